"""Batches: what one trial works through, so that tiny packs don't pay a trial each; and how long workers take for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heapify, heapreplace
from math import fsum

from scaling.plan.packs import Pack
from scaling.plan.speed import Speed
from scaling.plan.speed_file import known
from scaling.plan.time_estimate import pack_seconds

LONGEST_S = 60.0
"""A batch of several packs takes about this long at most."""
SHARES = 6
"""Batches a worker should get, at least, so that all end at about the same time."""


def batches(packs: Iterable[Pack], *, workers: int, speed: Speed | None = None) -> list[tuple[Pack, ...]]:
    """Packs in batches, the longest first.

    Args:
        speed: of the machine; by default this one's.
    """
    speed = speed or known()
    costs = sorted(
        ((pack_seconds(pack, speed), pack) for pack in packs), key=lambda costly: (-costly[0], costly[1].key)
    )
    target = min(LONGEST_S, fsum(cost for cost, _ in costs) / (workers * SHARES))
    made: list[list[Pack]] = []
    filled = target
    for cost, pack in costs:
        if filled >= target:
            made.append([])
            filled = 0.0
        made[-1].append(pack)
        filled += cost
    return [tuple(batch) for batch in made]


def makespan(times: Sequence[float], *, workers: int) -> float:
    """When the last of some batches ends, where each in turn goes to the worker that is free first.

    Args:
        times: seconds of each batch, in their order.
    """
    free = [0.0] * min(workers, max(1, len(times)))
    heapify(free)
    for time in times:
        heapreplace(free, free[0] + time)
    return max(free)
