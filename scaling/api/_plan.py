"""Plan a study: the runs of the study, the finished runs, and the cost of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from scaling.api._workspace import Workspace
from scaling.config import Study, load_study
from scaling.plan import Plan, make_plan


def plan(
    config: Path, workspace: Workspace | None = None, *, overrides: Sequence[str] = (), trains: bool = True
) -> Plan:
    """Compare the runs of the study with the runs in the stores, without training anything.

    Args:
        config: YAML file of the study.
        workspace: stores and folders.
        overrides: changed settings, such as ``recipe.epochs=5``.
        trains: True if the missing runs are to be trained on this machine; then memory for them is required.

    Raises:
        ConfigError: the study is invalid, or a network needs more memory than there is.
    """
    workspace = workspace or Workspace()
    study = load_study(config, data=workspace.data, overrides=overrides)
    resolved = study.with_learning_rates(_validation_errors(study, workspace))
    return make_plan(resolved, workspace.stores().ids(), trains=trains)


def _validation_errors(study: Study, workspace: Workspace) -> dict[str, float]:
    """Return validation errors of the stored pilot runs by run id; infinity for a run that diverged."""
    pilot_ids = pa.array([run.id for _, run in study.pilot_runs()], pa.string())
    if not len(pilot_ids):
        return {}
    runs = workspace.stores().runs(["id", "val_error", "diverged"])
    runs = runs.filter(pc.is_in(runs["id"], pilot_ids))
    valid = pc.and_kleene(pc.is_finite(runs["val_error"]), pc.invert(runs["diverged"]))
    errors = pc.fill_null(pc.if_else(valid, runs["val_error"], inf), inf)
    return dict(zip(runs["id"].to_pylist(), errors.to_pylist(), strict=True))
