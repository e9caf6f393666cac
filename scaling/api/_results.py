"""Load the stored runs of a study."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from scaling.api._plan import plan
from scaling.api._workspace import Workspace
from scaling.config import StudySource
from scaling.errors import StoreError
from scaling.plan import Plan


@dataclass(frozen=True, kw_only=True)
class StudyResults:
    """Plan of a study, and the runs that stores hold of it."""

    plan: Plan
    runs: pa.Table
    """Rows of the table ``runs``, one a finished run, pilot runs included."""
    pruned_runs: pa.Table
    """Rows of the finished pruned networks."""

    @cached_property
    def final_runs(self) -> pa.Table:
        """Rows without the pilot runs, which have fewer training images and other learning rates."""
        return _select(self.runs, self.plan.final_ids)

    @property
    def dataset_titles(self) -> dict[str, str]:
        """Titles of the study's data sets by fingerprint."""
        return {cell.info.fingerprint: cell.info.title for cell in self.plan.study.cells}


def load_results(
    config: StudySource,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    columns: Sequence[str] | None = None,
) -> StudyResults:
    """Load what stores hold of a study.

    Args:
        config: YAML file of the study, or its settings.
        workspace: stores and folders.
        overrides: changed settings, such as ``recipe.epochs=5``.
        columns: columns of the table ``runs``; by default all.

    Raises:
        ConfigError: the study is invalid.
        StoreError: a store cannot be read.
    """
    workspace = workspace or Workspace()
    # The runs are read before the plan, which needs only their ids: thus each part of a store is opened once.
    runs = workspace.stores().runs(columns and list(dict.fromkeys(["id", *columns])))
    study_plan = plan(config, workspace, overrides=overrides, trains=False)
    pruned_ids = study_plan.pruning.done if study_plan.pruning else frozenset[str]()
    return StudyResults(
        plan=study_plan, runs=_select(runs, study_plan.done), pruned_runs=_select(runs, pruned_ids)
    )


def _select(runs: pa.Table, ids: Set[str]) -> pa.Table:
    return runs.filter(pc.is_in(runs["id"], pa.array(list(ids), pa.string())))


def load_trained(
    config: StudySource,
    workspace: Workspace,
    *,
    overrides: Sequence[str] = (),
    columns: Sequence[str] | None = None,
) -> StudyResults:
    """Load what stores hold of a study, and require at least one final run.

    Raises:
        StoreError: no store holds a run of the study other than pilot runs.
    """
    results = load_results(config, workspace, overrides=overrides, columns=columns)
    if not results.final_runs.num_rows:
        pilots = f" except {results.runs.num_rows} pilot runs" if results.runs.num_rows else ""
        command = f"train it with: scaling run {config}" if isinstance(config, Path) else "run it first"
        raise StoreError(f"{workspace.store}: holds no run of this study{pilots}; {command}")
    return results
