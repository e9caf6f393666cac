"""Status of a study: what is done, what diverged, and estimated beside actual core time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from pathlib import Path

import pyarrow as pa

from scaling.api._results import load_results
from scaling.api._workspace import Workspace
from scaling.config import Cell, StudySource
from scaling.durations import format_duration
from scaling.html_table import html_table
from scaling.plan import Plan, PlanRow
from scaling.plan.pruning import PruningPlan, PruningRow
from scaling.plan.speed import Speed
from scaling.plan.time_estimate import training_seconds
from scaling.store import find_similar_store


@dataclass(frozen=True, kw_only=True)
class CoreTime:
    """Core time of finished packs, from the first training step to the last evaluation."""

    estimated_s: float = 0.0
    """Estimate from the measured speed of this machine, in seconds."""
    actual_s: float = 0.0
    """Time on the machines that trained the packs, in seconds."""

    @property
    def ratio(self) -> float | None:
        """Actual over estimated time; None if nothing is finished."""
        return self.actual_s / self.estimated_s if self.estimated_s else None

    @classmethod
    def total(cls, times: Iterable[CoreTime]) -> CoreTime:
        """Return the sum of core times."""
        times = list(times)
        return cls(
            estimated_s=fsum(time.estimated_s for time in times),
            actual_s=fsum(time.actual_s for time in times),
        )


@dataclass(frozen=True, kw_only=True)
class PruningStatus:
    """Progress of the pruning of a study."""

    plan: PruningPlan
    rows: tuple[PruningRow, ...]
    """One row for each network, method and number of parameters left."""
    core_times: tuple[CoreTime, ...]
    """Core time of the finished retraining, without the curvature, one a row."""
    diverged: int
    """Number of finished runs that diverged."""

    @property
    def core_time(self) -> CoreTime:
        """Core time of all that is done."""
        return CoreTime.total(self.core_times)


@dataclass(frozen=True, kw_only=True)
class StudyStatus:
    """Progress of a study."""

    plan: Plan
    rows: tuple[PlanRow, ...]
    """One row a cell, and one for the pilot runs of a cell."""
    core_times: tuple[CoreTime, ...]
    """Core time of what is done, one a row."""
    diverged: int
    """Number of finished runs that diverged, without pilot runs."""
    pilots_diverged: int
    """Number of finished pilot runs that diverged."""
    pruning: PruningStatus | None
    """Progress of the pruning, which the other fields leave out; None for a study without pruning."""
    store_is_new: bool
    """True if the store has no runs, of any study."""
    similar_store: Path | None
    """Folder with runs whose name is similar to that of a new store; None if there is none."""

    def __repr__(self) -> str:
        return f"<Status of {self._summary}>"

    def _repr_html_(self) -> str:
        """Return the rows as a table for notebooks."""
        rows = [
            (
                row.network_label,
                f"{row.done} of {row.runs}",
                format_duration(row.core_s),
                format_duration(time.estimated_s),
                format_duration(time.actual_s),
            )
            for row, time in zip(self.rows, self.core_times, strict=True)
        ]
        columns = ("network", "runs done", "core time left", "core time, estimated", "core time, actual")
        return html_table(columns, rows, caption=self._summary)

    @property
    def _summary(self) -> str:
        plan, time = self.plan, self.core_time
        return (
            f"{plan.study.name}: {len(plan.done)} of {len(plan.wanted)} runs done, {self.diverged} diverged;"
            f" core time {format_duration(time.actual_s)}, estimated {format_duration(time.estimated_s)};"
            f" about {format_duration(plan.core_s)} left"
        )

    @property
    def core_time(self) -> CoreTime:
        """Core time of all that is done."""
        return CoreTime.total(self.core_times)


def status(
    config: StudySource, workspace: Workspace | None = None, *, overrides: Sequence[str] = ()
) -> StudyStatus:
    """Return how far a study is.

    Args:
        config: YAML file of the study, or its settings.
        workspace: stores and folders.
        overrides: changed settings, such as ``recipe.epochs=5``.

    Raises:
        ConfigError: the study is invalid.
        StoreError: a store cannot be read.
    """
    workspace = workspace or Workspace()
    results = load_results(config, workspace, overrides=overrides)
    store = workspace.stores().first
    store_is_new = not store.has_runs
    diverged, all_diverged, pruned_diverged = (
        sum(map(bool, runs["diverged"].to_pylist()))
        for runs in (results.final_runs, results.runs, results.pruned_runs)
    )
    pruning = results.plan.pruning
    return StudyStatus(
        plan=results.plan,
        rows=tuple(results.plan.rows()),
        core_times=tuple(compute_core_times(results.plan, results.runs)),
        diverged=diverged,
        pilots_diverged=all_diverged - diverged,
        pruning=_pruning_status(pruning, results.pruned_runs, diverged=pruned_diverged) if pruning else None,
        store_is_new=store_is_new,
        similar_store=find_similar_store(store) if store_is_new else None,
    )


def _pruning_status(plan: PruningPlan, runs: pa.Table, *, diverged: int) -> PruningStatus:
    rows = tuple(plan.rows())
    times = _core_times_by_run({run.id: cell for cell, run in plan.wanted}, runs, plan.speed)
    core_times = (CoreTime.total(times[run.id] for _, run in row.runs if run.id in times) for row in rows)
    return PruningStatus(plan=plan, rows=rows, core_times=tuple(core_times), diverged=diverged)


def compute_core_times(plan: Plan, runs: pa.Table) -> list[CoreTime]:
    """Return estimated and actual core time, one a row of ``plan.rows()``.

    Args:
        plan: plan of the study.
        runs: stored rows of the plan's runs.
    """
    times = _core_times_by_run({run.id: cell for cell, run in plan.wanted}, runs, plan.speed)
    by_cell: defaultdict[str, list[CoreTime]] = defaultdict(list)
    for cell, run in plan.wanted:
        if run.id in times:
            by_cell[cell.key].append(times[run.id])
    return [CoreTime.total(time for cell in row.cells for time in by_cell[cell.key]) for row in plan.rows()]


def _core_times_by_run(cells: Mapping[str, Cell], runs: pa.Table, speed: Speed) -> dict[str, CoreTime]:
    """Return each run's share of the core time of its pack.

    A pack is counted once, although each of its runs stores the time: it is shared among its stored runs.

    Args:
        cells: cells by run id.
        runs: stored rows of these runs.
        speed: speed from which the time is estimated.
    """
    # The runs of a pack are published together, at one instant.
    packs = runs.group_by(["created_at", "wall_s", "host"], use_threads=False).aggregate(
        [("id", "list"), ("replicas", "max")]
    )
    estimates: dict[tuple[str, int], float] = {}
    times: dict[str, CoreTime] = {}
    columns = (packs[name].to_pylist() for name in ("id_list", "wall_s", "replicas_max"))
    for ids, wall_s, size in zip(*columns, strict=True):
        for run_id in ids:
            cell = cells[run_id]
            if (cell.key, size) not in estimates:
                estimates[cell.key, size] = training_seconds(cell, size, speed)
            times[run_id] = CoreTime(
                estimated_s=estimates[cell.key, size] / len(ids), actual_s=wall_s / len(ids)
            )
    return times
