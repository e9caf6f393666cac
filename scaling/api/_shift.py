"""Test error of a study's stored networks against shifts of the test images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scaling.api._figures import save_figures
from scaling.api._load import CURVE_COLUMN
from scaling.api._results import load_trained
from scaling.api._workspace import Workspace
from scaling.config import Run
from scaling.datasets import square_of_shifts
from scaling.errors import StoreError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from analysis.shifts import CellShifts, StudyShifts
    from scaling.data import LoadedDataset


def shift(
    config: Path,
    workspace: Workspace | None = None,
    *,
    largest: int = 4,
    overrides: Sequence[str] = (),
) -> StudyShifts:
    """Return the test error of each network of a study for each shift of the test images.

    Pixels that are shifted in have the value 0, the background of the digits.

    Args:
        config: YAML file of the study.
        workspace: stores and folders.
        largest: largest horizontal and largest vertical shift, in pixels.
        overrides: changed settings, such as ``recipe.epochs=5``.

    Raises:
        StoreError: no store holds a network of the study with a test error, or weights were not stored.
        DataError: the data set is not on this machine.
        UsageError: ``largest`` is below 1, or as large as the images.
    """
    from analysis.run_groups import group_runs
    from analysis.shifts import StudyShifts
    from scaling.data import load
    from scaling.fit.data.columns import text_column

    workspace = workspace or Workspace()
    results = load_trained(config, workspace, overrides=overrides)
    grouped = group_runs(results.final_runs)
    specs = [Run.from_json(text).architecture for text in grouped.runs["config_json"].to_pylist()]
    networks = grouped.runs.filter([not spec.fit_profile for spec in specs])
    if not len(networks):
        raise StoreError(f"{workspace.store}: holds no network of this study that has a test error")
    side = min(networks["side"].to_pylist())
    if not 1 <= largest < side:
        raise UsageError(f"{largest}: expected a number of pixels from 1 to {side - 1}", option="largest")
    datasets = {
        cell.info.fingerprint: load(cell.dataset, folder=workspace.data, download=False)
        for cell in results.plan.study.cells
    }
    names = (CURVE_COLUMN, "filters", "fingerprint")
    keys = list(zip(*(text_column(networks, name) for name in names), strict=True))
    cells = tuple(
        _measure_cell(
            networks.filter([other == key for other in keys]), datasets[key[2]], workspace, largest=largest
        )
        for key in dict.fromkeys(keys)
    )
    return StudyShifts(
        largest=largest,
        cells=cells,
        runs=networks,
        dataset_title=grouped.dataset_title,
        diverged=grouped.diverged,
        left_out=tuple(dict.fromkeys(spec.type for spec in specs if spec.fit_profile)),
    )


def _measure_cell(
    runs: pa.Table, dataset: LoadedDataset, workspace: Workspace, *, largest: int
) -> CellShifts:
    from analysis.shifts import CellShifts
    from scaling.models.feature_maps import load_replicas
    from scaling.train.shifted_errors import measure_shifted_errors

    ids, run = runs["id"].to_pylist(), Run.from_json(runs["config_json"][0].as_py())
    weights = [workspace.stores().weights(run_id) for run_id in ids]
    try:
        networks = load_replicas(run.architecture, dataset.info.image, weights)
    except StoreError as error:
        raise StoreError(
            f"a run of {runs[CURVE_COLUMN][0]}, filters {run.architecture.filters}: {error}"
        ) from error
    shifts = square_of_shifts(largest)
    errors = measure_shifted_errors(
        networks.eval(), dataset, input_range=run.recipe.input_range, shifts=shifts
    )
    return CellShifts(
        curve=runs[CURVE_COLUMN][0].as_py(),
        filters=runs["filters"][0].as_py(),
        parameters=runs["parameters"][0].as_py(),
        shifts=shifts,
        errors=errors,
    )


def draw_shifts(study: StudyShifts, folder: Path) -> list[Path]:
    """Write the figure of the error against shifts, as .svg, .png and .csv.

    Raises:
        UsageError: the folder cannot be written.
    """
    from analysis import shifts_figure

    return save_figures(folder, lambda: [shifts_figure.draw_shifts(study)])
