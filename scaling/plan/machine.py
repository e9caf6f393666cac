"""What this machine has for packs."""

from __future__ import annotations

import os
from pathlib import Path

_MEMORY_SHARE = 0.8
"""Of the machine's memory that a sweep may take by default: the system, other programs and the cache of files need some too."""
_CGROUP_MEMORY_MAX = Path("/sys/fs/cgroup/memory.max")
"""Of a container."""


def cpu_count() -> int:
    """Packs that can train at once."""
    return os.cpu_count() or 1


def usable_memory() -> float:
    """The memory that a sweep may take where its study doesn't say."""
    try:
        physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not a POSIX system
        return float("inf")
    try:
        return _MEMORY_SHARE * min(physical, int(_CGROUP_MEMORY_MAX.read_text()))
    except (OSError, ValueError):  # no container, or one without a limit
        return _MEMORY_SHARE * physical
