"""Schedule of a sweep on this machine: number of workers, wall time and memory."""

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
    """Workers, time and memory of a sweep on this machine."""

    workers: int
    """Number of packs that train at once, limited by the study, CPUs, work and memory."""
    held_back: int
    """Number of further workers for which there is work but no memory."""
    beyond_cpus: int
    """Number of further workers that the study asks for, and for which there is no CPU."""
    wall_s: float
    """Estimated wall time in seconds; 0 if nothing is left to do."""
    start_s: float
    """Part of it until the workers have started."""
    peak_bytes: int
    """Largest memory that all workers use at once."""

    def followed_by(self, later: SweepSchedule) -> SweepSchedule:
        """Return the schedule of this sweep and a later sweep with the same workers, one after the other."""
        return SweepSchedule(
            workers=max(self.workers, later.workers),
            held_back=max(self.held_back, later.held_back),
            beyond_cpus=max(self.beyond_cpus, later.beyond_cpus),
            wall_s=self.wall_s + later.wall_s - min(self.start_s, later.start_s),
            start_s=max(self.start_s, later.start_s),
            peak_bytes=max(self.peak_bytes, later.peak_bytes),
        )


def memory_limit(resources: Resources) -> float:
    """Return the bytes that all workers together may use."""
    return machine.usable_memory() if resources.memory_gib is None else resources.memory_gib * GIB


def most_workers(resources: Resources) -> int:
    """Return the largest number of workers that the study and the CPUs of this machine permit."""
    cpus = machine.cpu_count()
    return min(resources.workers or cpus, cpus)


def make_schedule(packs: Sequence[Pack], resources: Resources, *, speed: Speed) -> SweepSchedule:
    """Schedule packs on this machine.

    Args:
        packs: packs that are still to be trained.
        resources: limits of the study.
        speed: speed of this machine.
    """
    if not packs:
        return SweepSchedule(workers=0, held_back=0, beyond_cpus=0, wall_s=0.0, start_s=0.0, peak_bytes=0)
    cpus = machine.cpu_count()
    wanted = min(most_workers(resources), len(packs))
    count = max_workers(packs, memory_limit(resources), wanted)
    trials = make_trials(packs, workers=count, speed=speed)
    durations = [fsum(pack_seconds(pack, speed) for pack in trial) for trial in trials]
    return SweepSchedule(
        workers=count,
        held_back=wanted - count,
        beyond_cpus=max(0, min(resources.workers or 0, len(packs)) - cpus),
        wall_s=speed.sweep_start_s + makespan(durations, workers=count),
        start_s=speed.sweep_start_s,
        peak_bytes=peak_bytes(packs, count),
    )
