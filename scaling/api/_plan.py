"""A study against the stores: what is to do, and how long what is done took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum, inf
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from scaling.api._workspace import Workspace
from scaling.config import Study, load_study
from scaling.plan import Plan, make_plan
from scaling.plan.time_estimate import training_seconds


def plan(
    config: Path, workspace: Workspace | None = None, *, overrides: Sequence[str] = (), trains: bool = True
) -> Plan:
    """What a study wants, what is done and what the rest costs; nothing is trained.

    Args:
        config: the study's YAML file.
        overrides: such as ``recipe.epochs=5``.
        trains: whether what is missing is to be trained on this machine, so that it must have the memory.

    Raises:
        ConfigError: with every fault of the study.
    """
    workspace = workspace or Workspace()
    study = load_study(config, data=workspace.data, overrides=overrides)
    return make_plan(
        study.with_learning_rates(_validation_errors(study, workspace)),
        workspace.stores().ids(),
        trains=trains,
    )


def _validation_errors(study: Study, workspace: Workspace) -> dict[str, float]:
    """Of the stored pilots, by their ids; infinite for one that diverged."""
    wanted = pa.array([run.id for _, run in study.pilot_runs()], pa.string())
    if not len(wanted):
        return {}
    runs = workspace.stores().runs(["id", "val_error", "diverged"])
    runs = runs.filter(pc.is_in(runs["id"], wanted))
    told = pc.if_else(
        pc.and_kleene(pc.is_finite(runs["val_error"]), pc.invert(runs["diverged"])), runs["val_error"], inf
    )
    return dict(zip(runs["id"].to_pylist(), pc.fill_null(told, inf).to_pylist(), strict=True))


@dataclass(frozen=True)
class Timing:
    """Core time of a cell's finished packs, from the first step to the last evaluation."""

    estimated_s: float = 0.0
    """With this machine's speed."""
    actual_s: float = 0.0
    """On the machines that trained them."""

    @property
    def ratio(self) -> float | None:
        """Actual over estimated; None where nothing is finished."""
        return self.actual_s / self.estimated_s if self.estimated_s else None


def timings(made: Plan, runs: pa.Table) -> list[Timing]:
    """Estimate against actual, one a row of ``made.rows()``.

    A pack is counted once, though each of its runs has its time. A pack of several cells is shared among them by its runs.

    Args:
        runs: the stored rows of the plan's runs.
    """
    # The runs of a pack are published together, at one instant.
    packs = runs.group_by(["created_at", "wall_s", "host"], use_threads=False).aggregate(
        [("id", "list"), ("replicas", "max")]
    )
    cells = {run.id: cell for cell, run in made.wanted}
    known: dict[tuple[int, int], float] = {}
    estimated: defaultdict[int, float] = defaultdict(float)
    actual: defaultdict[int, float] = defaultdict(float)
    for ids, wall_s, size in zip(
        *(packs[name].to_pylist() for name in ("id_list", "wall_s", "replicas_max")), strict=True
    ):
        for cell in (cells[run_id] for run_id in ids):
            key = id(cell), size
            if key not in known:
                known[key] = training_seconds(cell, size, made.speed)
            estimated[id(cell)] += known[key] / len(ids)
            actual[id(cell)] += wall_s / len(ids)
    sums = (
        (fsum(spent[id(cell)] for cell in row.cells) for spent in (estimated, actual)) for row in made.rows()
    )
    return [Timing(*both) for both in sums]
