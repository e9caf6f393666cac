"""Workers that were killed for want of memory, by Ray's memory monitor or by the kernel of this machine."""

from __future__ import annotations

import re
from pathlib import Path

_RAY_REASON = "running low on memory"
"""Part of Ray's message about a worker that its memory monitor killed."""


def names_memory(text: str) -> bool:
    """Return whether Ray says that its memory monitor killed a worker."""
    return _RAY_REASON in text


def count_kernel_kills() -> int:
    """Return how many processes this machine's kernel has killed for want of memory; 0 if it does not say."""
    try:
        match = re.search(r"^oom_kill (\d+)$", Path("/proc/vmstat").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(match[1]) if match else 0
