"""Trials: groups of packs that share one Ray Tune trial, so that short packs do not pay for a trial each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heapify, heapreplace
from math import fsum

from scaling.plan.packs import Pack
from scaling.plan.speed import Speed
from scaling.plan.speed_file import load_speed
from scaling.plan.time_estimate import pack_seconds

TrialPacks = tuple[Pack, ...]
"""Packs that one trial works through, the longest first."""

MAX_TRIAL_S = 60.0
"""Target time of a trial of several packs, in seconds on one core. A single pack may take longer."""
MIN_TRIALS_PER_WORKER = 6
"""Smallest mean number of trials a worker, so that all workers finish at about the same time."""


def make_trials(packs: Iterable[Pack], *, workers: int, speed: Speed | None = None) -> list[TrialPacks]:
    """Group packs into trials, the longest pack first.

    Args:
        packs: packs that are still to be trained, in any order.
        workers: number of trials that run at once.
        speed: speed of the machine; by default of this machine.
    """
    speed = speed or load_speed()
    costs = sorted(
        ((pack_seconds(pack, speed), pack) for pack in packs), key=lambda costly: (-costly[0], costly[1].key)
    )
    target = min(MAX_TRIAL_S, fsum(cost for cost, _ in costs) / (workers * MIN_TRIALS_PER_WORKER))
    trials: list[list[Pack]] = []
    filled = target
    for cost, pack in costs:
        if filled >= target:
            trials.append([])
            filled = 0.0
        trials[-1].append(pack)
        filled += cost
    return [tuple(trial) for trial in trials]


def makespan(durations: Sequence[float], *, workers: int) -> float:
    """Return the time until the last trial ends.

    Each trial in turn goes to the worker that is free first.

    Args:
        durations: seconds of each trial, in the order in which trials start.
        workers: number of trials that run at once.
    """
    free = [0.0] * min(workers, max(1, len(durations)))
    heapify(free)
    for duration in durations:
        heapreplace(free, free[0] + duration)
    return max(free)
