"""Test error of a study's stored networks against shifts of the test images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from scaling.api._figures import save_figures
from scaling.api._load import CURVE_COLUMN
from scaling.api._results import load_trained
from scaling.api._workspace import Workspace
from scaling.config import Run, StudySource
from scaling.datasets import Shift, square_of_shifts
from scaling.errors import StoreError, UsageError
from scaling.plan.packs import make_packs

if TYPE_CHECKING:
    import pyarrow as pa

    from analysis.shifts import CellShifts, StudyShifts


def shift(
    config: StudySource,
    workspace: Workspace | None = None,
    *,
    largest: int = 4,
    overrides: Sequence[str] = (),
) -> StudyShifts:
    """Return the test error of each network of a study for each shift of the test images.

    Pixels that are shifted in have the value 0, the background of the digits.

    Args:
        config: YAML file of the study, or its settings.
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
    from scaling.train.shifted_errors import measure_shifted_errors

    workspace = workspace or Workspace()
    results = load_trained(config, workspace, overrides=overrides)
    grouped = group_runs(results.final_runs, titles=results.dataset_titles)
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
    finished = set(networks["id"].to_pylist())
    wanted = {cell_run.run.id: cell_run for cell_run in results.plan.study.final_runs()}
    packs = make_packs(cell_run for run_id, cell_run in wanted.items() if run_id in finished)
    shifts = square_of_shifts(largest)
    errors = measure_shifted_errors(packs, datasets, workspace.stores(), shifts=shifts)
    return StudyShifts(
        largest=largest,
        cells=_group_by_cell(networks, errors, shifts),
        runs=networks,
        dataset_title=grouped.dataset_title,
        diverged=grouped.diverged,
        left_out=tuple(dict.fromkeys(spec.type for spec in specs if spec.fit_profile)),
    )


def _group_by_cell(
    networks: pa.Table, errors: Mapping[str, Float[np.ndarray, " shifts"]], shifts: tuple[Shift, ...]
) -> tuple[CellShifts, ...]:
    from analysis.shifts import CellShifts
    from scaling.fit.data.columns import text_column

    names = (CURVE_COLUMN, "filters", "fingerprint")
    keys = list(zip(*(text_column(networks, name) for name in names), strict=True))
    cells = []
    for key in dict.fromkeys(keys):
        runs = networks.filter([other == key for other in keys])
        cells.append(
            CellShifts(
                curve=key[0],
                filters=runs["filters"][0].as_py(),
                architecture=runs["architecture"][0].as_py(),
                parameters=runs["parameters"][0].as_py(),
                shifts=shifts,
                errors=np.stack([errors[run_id] for run_id in runs["id"].to_pylist()], axis=1),
            )
        )
    return tuple(cells)


def draw_shifts(study: StudyShifts, folder: Path) -> list[Path]:
    """Write the figure of the error against shifts, as .svg, .png and .csv.

    Raises:
        UsageError: the folder cannot be written.
    """
    from analysis import shifts_figure

    return save_figures(folder, lambda: [shifts_figure.draw_shifts(study)])
