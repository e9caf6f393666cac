"""Error-reject curves of a study's stored runs, from their stored logits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scaling.api._figures import save_figures
from scaling.api._load import CURVE_COLUMN
from scaling.api._results import load_trained
from scaling.api._workspace import Workspace
from scaling.architectures import has_seeds
from scaling.config import StudySource
from scaling.errors import StoreError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from analysis.rejection import CellRejection, StudyRejection
    from scaling.store import StoreUnion


def reject(
    config: StudySource,
    workspace: Workspace | None = None,
    *,
    error: float = 0.01,
    overrides: Sequence[str] = (),
) -> StudyRejection:
    """Return the error among accepted images against the rejected share, for each network of a study.

    Args:
        config: YAML file of the study, or its settings.
        workspace: stores and folders.
        error: error among accepted images for which the required rejected share is estimated, a fraction.
        overrides: changed settings, such as ``recipe.epochs=5``.

    Raises:
        StoreError: no store holds a run of the study with a test error, or a run has no stored predictions.
        UsageError: ``error`` is no fraction between 0 and 1.
    """
    from analysis.rejection import StudyRejection
    from analysis.run_groups import group_runs
    from scaling.fit.data.columns import text_column

    if not 0 < error < 1:
        raise UsageError(f"{error:g}: expected a fraction between 0 and 1, such as 0.01", option="error")
    workspace = workspace or Workspace()
    results = load_trained(config, workspace, overrides=overrides)
    grouped = group_runs(results.final_runs, titles=results.dataset_titles)
    if not grouped.runs.num_rows:
        raise StoreError(
            f"{workspace.store}: all {grouped.diverged} stored runs of this study diverged; train it with a"
            " smaller learning rate"
        )
    stores = workspace.stores()
    stores.require_predictions(grouped.runs["id"].to_pylist())
    keys = list(zip(*(text_column(grouped.runs, name) for name in (CURVE_COLUMN, "filters")), strict=True))
    groups = {key: grouped.runs.filter([other == key for other in keys]) for key in dict.fromkeys(keys)}
    return StudyRejection(
        target_error=error,
        cells=tuple(_reject_in_cell(runs, stores, curve=key[0], error=error) for key, runs in groups.items()),
        runs=grouped.runs,
        dataset_title=grouped.dataset_title,
        diverged=grouped.diverged,
    )


def _reject_in_cell(runs: pa.Table, stores: StoreUnion, *, curve: str, error: float) -> CellRejection:
    """Return the rejection of the runs of one curve and width."""
    from analysis.rejection import CellRejection
    from scaling.fit.rejection import estimate_rejection

    architecture = runs["architecture"][0].as_py()
    stored = stores.logits(runs["id"].to_pylist())
    return CellRejection(
        curve=curve,
        filters=runs["filters"][0].as_py(),
        architecture=architecture,
        parameters=runs["parameters"][0].as_py(),
        rejection=estimate_rejection(
            stored.logits, stored.labels, target_error=error, has_seeds=has_seeds(architecture)
        ),
    )


def draw_rejection(study: StudyRejection, folder: Path) -> list[Path]:
    """Write the figure of the error-reject curves, as .svg, .png and .csv.

    Raises:
        UsageError: the folder cannot be written.
    """
    from analysis import rejection_figure

    return save_figures(folder, lambda: [rejection_figure.draw_rejection(study)])
