"""Copy the finished runs of a study to a tracker."""

from __future__ import annotations

from collections.abc import Sequence

from scaling.api._results import load_trained
from scaling.api._tracking import TrackingOutcome, Trackings
from scaling.api._workspace import Workspace
from scaling.config import StudySource
from scaling.tracking import check_tracker


def export(
    config: StudySource,
    workspace: Workspace | None = None,
    *,
    to: str,
    overrides: Sequence[str] = (),
) -> TrackingOutcome:
    """Copy the finished runs of a study, without pilot runs, to a tracker that lacks them.

    Args:
        config: YAML file of the study, or its settings.
        workspace: stores and folders.
        to: ``tensorboard``, ``wandb``, ``mlflow`` or ``trackio``.
        overrides: changed settings, such as ``recipe.epochs=5``.

    Raises:
        ConfigError: the study is invalid.
        StoreError: a store cannot be read, or no store holds a run of the study other than pilot runs.
        UsageError: there is no such tracker, or its package is not installed.
    """
    workspace = workspace or Workspace()
    check_tracker(to, option="to")
    results = load_trained(config, workspace, overrides=overrides, columns=["id"])
    with Trackings([to], results.plan.study, workspace, option="to") as trackings:
        (outcome,) = trackings.finish(results.plan.study, results.final_runs["id"].to_pylist())
    return outcome
