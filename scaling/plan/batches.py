"""Batches: what one trial works through, so that tiny packs don't pay a trial each."""

from __future__ import annotations

from collections.abc import Iterable

from scaling.plan.cost import seconds
from scaling.plan.packs import Pack

LONGEST_S = 60.0
"""A batch of several packs takes about this long at most."""
SHARES = 6
"""Batches a worker should get, at least, so that all end at about the same time."""


def batches(packs: Iterable[Pack], *, workers: int) -> list[tuple[Pack, ...]]:
    """Packs in batches, the longest first."""
    ordered = sorted(packs, key=lambda pack: (-seconds(pack), pack.key))
    target = min(LONGEST_S, sum(map(seconds, ordered)) / (workers * SHARES))
    made: list[list[Pack]] = []
    filled = target
    for pack in ordered:
        if filled >= target:
            made.append([])
            filled = 0.0
        made[-1].append(pack)
        filled += seconds(pack)
    return [tuple(batch) for batch in made]
