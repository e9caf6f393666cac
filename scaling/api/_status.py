"""Status of a study: what is done, what diverged, and estimated beside actual core time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from pathlib import Path

import pyarrow as pa

from scaling.api._results import load_results
from scaling.api._workspace import Workspace
from scaling.plan import Plan, PlanRow
from scaling.plan.time_estimate import training_seconds


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

    @property
    def core_time(self) -> CoreTime:
        """Core time of all that is done."""
        return CoreTime(
            estimated_s=fsum(time.estimated_s for time in self.core_times),
            actual_s=fsum(time.actual_s for time in self.core_times),
        )


def status(config: Path, workspace: Workspace | None = None, *, overrides: Sequence[str] = ()) -> StudyStatus:
    """Return how far a study is.

    Args:
        config: YAML file of the study.
        workspace: stores and folders.
        overrides: changed settings, such as ``recipe.epochs=5``.

    Raises:
        ConfigError: the study is invalid.
        StoreError: a store cannot be read.
    """
    results = load_results(config, workspace, overrides=overrides)
    diverged, all_diverged = (
        sum(map(bool, runs["diverged"].to_pylist())) for runs in (results.final_runs, results.runs)
    )
    return StudyStatus(
        plan=results.plan,
        rows=tuple(results.plan.rows()),
        core_times=tuple(compute_core_times(results.plan, results.runs)),
        diverged=diverged,
        pilots_diverged=all_diverged - diverged,
    )


def compute_core_times(plan: Plan, runs: pa.Table) -> list[CoreTime]:
    """Return estimated and actual core time, one a row of ``plan.rows()``.

    A pack is counted once, although each of its runs stores the time. A pack that holds runs of several cells
    is shared among the cells by their numbers of runs.

    Args:
        plan: plan of the study.
        runs: stored rows of the plan's runs.
    """
    # The runs of a pack are published together, at one instant.
    packs = runs.group_by(["created_at", "wall_s", "host"], use_threads=False).aggregate(
        [("id", "list"), ("replicas", "max")]
    )
    cells = {run.id: cell for cell, run in plan.wanted}
    estimates: dict[tuple[str, int], float] = {}
    estimated: defaultdict[str, float] = defaultdict(float)
    actual: defaultdict[str, float] = defaultdict(float)
    columns = (packs[name].to_pylist() for name in ("id_list", "wall_s", "replicas_max"))
    for ids, wall_s, size in zip(*columns, strict=True):
        for cell in (cells[run_id] for run_id in ids):
            if (cell.key, size) not in estimates:
                estimates[cell.key, size] = training_seconds(cell, size, plan.speed)
            estimated[cell.key] += estimates[cell.key, size] / len(ids)
            actual[cell.key] += wall_s / len(ids)
    return [
        CoreTime(
            estimated_s=fsum(estimated[cell.key] for cell in row.cells),
            actual_s=fsum(actual[cell.key] for cell in row.cells),
        )
        for row in plan.rows()
    ]
