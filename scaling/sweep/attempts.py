"""Attempts at packs whose workers die, with Ray and without it.

If a worker dies, its whole trial ends, and the responsible pack is unknown. Each remaining pack is therefore
tried again in its own trial. A pack whose second worker dies for want of memory is tried once more, with one
network at a time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from scaling.plan import Pack
from scaling.plan.trials import TrialPacks
from scaling.sweep.executor import OnPackEvent, PackEvent
from scaling.sweep.memory_kills import count_kernel_kills, names_memory
from scaling.sweep.worker_config import WorkerConfig, write_log

_MEMORY_REASON = (
    "its worker was killed for want of memory, even with one network at a time; use fewer workers"
    " (resources.workers) or machines with more memory"
)


@dataclass
class PackRecord:
    """Packs of a sweep that are settled, and the last death of a worker with each of the others."""

    packs: Mapping[str, Pack]
    """Packs by key."""
    on_progress: OnPackEvent
    settled: set[str] = field(default_factory=set)
    """Keys of packs that are published or given up."""
    deaths: defaultdict[str, str] = field(default_factory=lambda: defaultdict(lambda: "no reason is known"))
    """Message about the last worker that died with a pack, by key."""

    def report(self, event: PackEvent) -> None:
        """Record an event, and pass it on."""
        if event.failure or event.epoch == self.packs[event.key].cell.recipe.epochs:
            self.settled.add(event.key)
        self.on_progress(event)

    def record_death(self, keys: Collection[str], text: str) -> None:
        """Record that the worker of a trial died."""
        self.deaths |= dict.fromkeys(set(keys) - self.settled, text)

    def unsettled(self, packs: Sequence[Pack]) -> list[Pack]:
        """Return those of some packs that are neither published nor given up."""
        return [pack for pack in packs if pack.key not in self.settled]


class RunTrials(Protocol):
    """Function that runs trials, reports the events of their packs, and records the deaths of workers."""

    def __call__(self, trials: Sequence[TrialPacks], config: WorkerConfig, name: str) -> None:
        """Run trials to their ends.

        Args:
            trials: trials; none needs no worker.
            config: settings of the workers.
            name: name of the attempt.
        """


def run_attempts(
    trials: Sequence[TrialPacks], config: WorkerConfig, record: PackRecord, run_trials: RunTrials
) -> None:
    """Run trials, try packs again whose workers died, and give up those that fail again.

    Args:
        trials: all packs of the sweep.
        config: settings of the workers.
        record: what ``run_trials`` fills.
        run_trials: runs trials on some engine.
    """
    run_trials(trials, config, "trials")
    remaining = record.unsettled([pack for trial in trials for pack in trial])
    kernel_kills = count_kernel_kills()
    run_trials([(pack,) for pack in remaining], config, "repeated")
    dead = record.unsettled(remaining)
    was_killed_by_kernel = count_kernel_kills() > kernel_kills
    short_of_memory = [pack for pack in dead if was_killed_by_kernel or names_memory(record.deaths[pack.key])]
    one_by_one = [(pack,) for pack in short_of_memory if pack.size > 1]
    run_trials(one_by_one, replace(config, max_replicas=1), "one_by_one")
    for pack in record.unsettled(dead):
        reason = _MEMORY_REASON if pack in short_of_memory else "its worker failed twice"
        log = write_log(config, pack, heading="worker", text=record.deaths[pack.key])
        record.on_progress(PackEvent(key=pack.key, epoch=0, failure=reason, log=log))
