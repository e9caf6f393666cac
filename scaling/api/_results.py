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
from scaling.errors import StoreError, UsageError
from scaling.plan import Plan

_MAX_CURVES = 4
"""Largest number of curves that a sentence about missing runs names."""


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
    def partial(self) -> str:
        """How many of the wanted runs there are, and which curves have none or few; empty if all are there.

        Pilot runs do not count.
        """
        study, stored = self.plan.study, set(self.final_runs["id"].to_pylist())
        wanted: dict[str, set[str]] = {}
        for cell, label in zip(study.cells, study.curve_labels(), strict=True):
            ids = wanted.setdefault(label, set())
            # The id of a run whose learning rate is not chosen yet has no meaning.
            prefix = f"pending {cell.key} " if cell.pending else ""
            ids |= {prefix + cell.run(seed).id for seed in range(cell.seeds)}
        everything = set().union(*wanted.values())
        if not everything - stored:
            return ""
        done = {label: len(ids & stored) for label, ids in wanted.items()}
        curves = [
            f"{label} has {f'{done[label]:,} of {len(ids):,}' if done[label] else 'none'}"
            for label, ids in wanted.items()
            if len(wanted) > 1 and done[label] < len(ids)
        ]
        if len(curves) > _MAX_CURVES:
            curves[_MAX_CURVES - 1 :] = [f"{len(curves) - _MAX_CURVES + 1} more curves lack runs"]
        return "; ".join([f"{len(everything & stored):,} of {len(everything):,} wanted runs", *curves])

    @property
    def core_s(self) -> float:
        """Core time of the finished runs and pilot runs, as recorded, in seconds."""
        from scaling.api._status import CoreTime, compute_core_times

        return CoreTime.total(compute_core_times(self.plan, self.runs)).actual_s

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
        raise untrained(f"{workspace.store}: holds no run of this study{pilots}", config)
    return results


def untrained(problem: str, config: StudySource, error: type[UsageError] = StoreError) -> UsageError:
    """Return the error that runs are missing, with the command that trains them.

    Args:
        problem: which runs are missing.
        config: YAML file of the study, or its settings, for which there is no command.
        error: class of the error.
    """
    if isinstance(config, Path):
        return error(f"{problem}; to train what is missing", next_command=("run", str(config)))
    return error(f"{problem}; run it first")
