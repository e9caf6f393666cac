"""Durations as text."""

from __future__ import annotations

import re

_SECONDS_PER_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def format_duration(seconds: float) -> str:
    """Return a duration as text, such as ``45 s``, ``12 min``, ``3.5 h`` or ``2.1 days``."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172_800 else f"{seconds / 86_400:.1f} days"


def format_elapsed(seconds: float) -> str:
    """Return a time that has passed, to the second: ``45 s``, ``1 min 20 s`` or ``2 h 5 min``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def parse_duration(text: str) -> float | None:
    """Parse a duration such as ``90s``, ``30m``, ``2h`` or ``1.5d``.

    Returns:
        The duration in seconds, or None if the text is no duration or the duration is zero.
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([smhd])", text)
    if match is None:
        return None
    return float(match[1]) * _SECONDS_PER_UNIT[match[2]] or None
