"""CPUs and memory that this process may use."""

from __future__ import annotations

import os
from pathlib import Path

_MEMORY_SHARE = 0.8
"""Default share of the memory for a sweep; the system, other programs and the file cache need the rest."""
_CGROUP_MEMORY_MAX = Path("/sys/fs/cgroup/memory.max")
"""File with the memory limit of a container."""


def cpu_count() -> int:
    """Return the number of CPUs that this process may use, by its affinity mask and its container's quota."""
    from loky.backend.context import cpu_count  # imported here, because the import takes a tenth of a second

    return int(cpu_count())


def usable_memory() -> float:
    """Return the default memory limit of a sweep in bytes; infinity if the memory is unknown."""
    try:
        physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return float("inf")
    try:
        return _MEMORY_SHARE * min(physical, int(_CGROUP_MEMORY_MAX.read_text()))
    except (OSError, ValueError):  # no container, or a container without a limit
        return _MEMORY_SHARE * physical
