"""Plan of a pruning: wanted rounds of a study, minus the finished ones.

Each round is a pack like any other, except that its networks start from stored weights: those of the round
before, or of the trained networks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set
from dataclasses import dataclass

from scaling.config import CellRun, Run, Study
from scaling.plan.packs import Pack, make_packs


@dataclass(frozen=True, kw_only=True)
class PruningPlan:
    """Pruned networks of a study, minus those that stores hold already."""

    study: Study
    wanted: tuple[CellRun, ...]
    """Wanted runs with the cells of their retraining."""
    done: frozenset[str]
    """Ids of wanted runs that a store has."""
    rounds: tuple[tuple[Pack, ...], ...]
    """Packs that are still to be trained, by the number of the round. A pack needs those before it."""

    @property
    def new(self) -> int:
        """Number of wanted runs that are still to be trained."""
        return len(self.wanted) - len(self.done)

    @property
    def trained_parents(self) -> list[Run]:
        """Trained networks, not pruned, from which missing runs start."""
        runs = [run.parent for packs in self.rounds for pack in packs for run in pack.runs]
        return list({run.id: run for run in runs if run and run.pruning is None}.values())


def make_pruning_plan(study: Study, stored: Set[str]) -> PruningPlan:
    """Plan the pruning of a study's networks.

    Args:
        study: study with a pruning, and with the learning rates that its pilot runs chose.
        stored: ids of all stored runs.
    """
    wanted = tuple(study.pruned_runs())
    done = frozenset(run.id for _, run in wanted) & stored
    missing: defaultdict[int, list[CellRun]] = defaultdict(list)
    for cell_run in wanted:
        if cell_run.run.id not in done and cell_run.run.pruning:
            missing[len(cell_run.run.pruning.sizes)].append(cell_run)
    return PruningPlan(
        study=study,
        wanted=wanted,
        done=done,
        rounds=tuple(tuple(make_packs(runs)) for _, runs in sorted(missing.items())),
    )
