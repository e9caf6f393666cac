"""Plan of a pruning: wanted rounds of a study, minus the finished ones, and the cost of the rest.

Each round is a pack like any other, except that its networks start from stored weights: those of the round
before, or of the trained networks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import groupby
from math import fsum

from scaling.config import CellRun, Run, Study
from scaling.config.pruning import Pruning, PruningMethod
from scaling.plan.packs import Pack, make_packs
from scaling.plan.speed import Speed
from scaling.plan.sweep_schedule import SweepSchedule, make_schedule
from scaling.plan.time_estimate import pack_seconds

PruningRounds = tuple[tuple[Pack, ...], ...]
"""Packs by the number of the round. A pack needs those of the rounds before it."""


@dataclass(frozen=True, kw_only=True)
class PruningRow:
    """Row of a table of a pruning: runs of one network, pruned by one method to one number of parameters."""

    label: str
    """Label of the network's curve in the study."""
    filters: int
    method: PruningMethod
    """What decides which parameters are deleted."""
    parameters_left: int
    """Number of parameters left after the round."""
    runs: tuple[CellRun, ...]
    """Wanted runs with the cells of their retraining, or placeholders for them."""
    done: int
    """Number of finished runs."""
    packs: int
    """Number of packs that are left."""
    core_s: float
    """Estimated time of one core for what is left, in seconds, the computation of the curvature included."""


@dataclass(frozen=True, kw_only=True)
class PruningPlan:
    """Pruned networks of a study, minus those that stores hold already."""

    study: Study
    wanted: tuple[CellRun, ...]
    """Wanted runs with the cells of their retraining."""
    done: frozenset[str]
    """Ids of wanted runs that a store has."""
    rounds: PruningRounds
    """Packs that are still to be trained."""
    pending_rounds: PruningRounds
    """Stand-ins for the packs of networks whose learning rate is not chosen yet."""
    speed: Speed
    """Speed of this machine, from which all times are estimated."""

    @property
    def new(self) -> int:
        """Number of wanted runs that are still to be trained."""
        return len(self.wanted) - len(self.done)

    @property
    def pending(self) -> int:
        """Number of runs of networks whose learning rate is not chosen yet."""
        return sum(len(pack.runs) for packs in self.pending_rounds for pack in packs)

    @property
    def packs(self) -> int:
        """Number of packs that are still to be trained, without stand-ins."""
        return sum(map(len, self.rounds))

    @property
    def pending_packs(self) -> int:
        """Number of stand-ins."""
        return sum(map(len, self.pending_rounds))

    @property
    def core_s(self) -> float:
        """Estimated time of one core for what is left, in seconds."""
        rounds = (*self.rounds, *self.pending_rounds)
        return fsum(pack_seconds(pack, self.speed) for packs in rounds for pack in packs)

    @cached_property
    def schedule(self) -> SweepSchedule:
        """Schedule of the remaining rounds on this machine, one after the other."""
        schedules = (
            make_schedule(packs, self.study.resources, speed=self.speed)
            for packs in ((), *self.rounds, *self.pending_rounds)
        )
        return reduce(SweepSchedule.followed_by, schedules)

    @property
    def finished_parents(self) -> list[Run]:
        """Finished runs from which missing runs start: trained networks, and networks of earlier rounds."""
        parents = [run.parent for packs in self.rounds for pack in packs for run in pack.runs]
        finished = [run for run in parents if run and (run.pruning is None or run.id in self.done)]
        return list({run.id: run for run in finished}.values())

    def rows(self) -> list[PruningRow]:
        """Return one row for each network, method and number of parameters left, in the order of the file."""
        rounds = (*self.rounds, *self.pending_rounds)
        packs = {run.id: pack for packs in rounds for pack in packs for run in pack.runs}
        return [
            self._row(label, pruning, tuple(runs), packs)
            for cell, label in zip(self.study.cells, self.study.curve_labels(), strict=True)
            for pruning, runs in groupby(
                self.study.pruned_runs_of(cell), lambda cell_run: cell_run.run.pruning
            )
            if pruning
        ]

    def _row(
        self, label: str, pruning: Pruning, runs: tuple[CellRun, ...], pack_of_run: Mapping[str, Pack]
    ) -> PruningRow:
        packs = [pack_of_run[run.id] for _, run in runs if run.id in pack_of_run]
        return PruningRow(
            label=label,
            filters=runs[0].run.architecture.filters,
            method=pruning.method,
            parameters_left=pruning.parameters_left,
            runs=runs,
            done=sum(run.id in self.done for _, run in runs),
            packs=len({pack.key for pack in packs}),
            core_s=fsum(pack_seconds(pack, self.speed) / len(pack.runs) for pack in packs),
        )


def make_pruning_plan(study: Study, stored: Set[str], *, speed: Speed) -> PruningPlan:
    """Plan the pruning of a study's networks.

    Args:
        study: study with a pruning, and with the learning rates that its pilot runs chose.
        stored: ids of all stored runs.
        speed: speed of the machine that trains.
    """
    wanted = tuple(study.pruned_runs())
    done = frozenset(run.id for _, run in wanted) & stored
    return PruningPlan(
        study=study,
        wanted=wanted,
        done=done,
        rounds=_make_rounds(cell_run for cell_run in wanted if cell_run.run.id not in done),
        pending_rounds=_make_rounds(study.pending_pruned_runs()),
        speed=speed,
    )


def _make_rounds(runs: Iterable[CellRun]) -> PruningRounds:
    by_number: defaultdict[int, list[CellRun]] = defaultdict(list)
    for cell_run in runs:
        if pruning := cell_run.run.pruning:
            by_number[len(pruning.sizes)].append(cell_run)
    return tuple(tuple(make_packs(runs)) for _, runs in sorted(by_number.items()))
