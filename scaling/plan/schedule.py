"""Where a sweep stands on this machine: how many packs train at once, for how long, in how much memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from scaling.config.study import Resources
from scaling.plan import machine
from scaling.plan.memory import GIB, max_workers, peak_bytes
from scaling.plan.packs import Pack
from scaling.plan.speed import Speed
from scaling.plan.time_estimate import pack_seconds
from scaling.plan.trials import make_trials, makespan


@dataclass(frozen=True, kw_only=True)
class SweepSchedule:
    """A sweep on this machine."""

    workers: int
    """Packs that train at once: as many as may, have work and have memory."""
    held_back: int
    """Workers that could have work, but for which there is no memory."""
    wall_s: float
    """Of the whole sweep; 0 where nothing is left to do."""
    peak_bytes: int
    """The most that all workers hold at once."""

    def followed_by(self, then: SweepSchedule) -> SweepSchedule:
        """Both, one after the other."""
        return SweepSchedule(
            workers=max(self.workers, then.workers),
            held_back=max(self.held_back, then.held_back),
            wall_s=self.wall_s + then.wall_s,
            peak_bytes=max(self.peak_bytes, then.peak_bytes),
        )


def memory_limit(resources: Resources) -> float:
    """Bytes that all workers may hold at once."""
    return machine.usable_memory() if resources.memory_gib is None else resources.memory_gib * GIB


def make_schedule(packs: Sequence[Pack], resources: Resources, speed: Speed) -> SweepSchedule:
    """Place what is left to do on this machine."""
    if not packs:
        return SweepSchedule(workers=0, held_back=0, wall_s=0.0, peak_bytes=0)
    wanted = min(resources.workers or machine.cpu_count(), len(packs))
    count = max_workers(packs, memory_limit(resources), wanted)
    times = [
        fsum(pack_seconds(pack, speed) for pack in batch)
        for batch in make_trials(packs, workers=count, speed=speed)
    ]
    return SweepSchedule(
        workers=count,
        held_back=wanted - count,
        wall_s=speed.sweep_start_s + makespan(times, workers=count),
        peak_bytes=peak_bytes(packs, count),
    )
