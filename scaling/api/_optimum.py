"""Find where the error of a study is smallest along an axis, for each curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from scaling.api._figures import save_figures
from scaling.api._load import CURVE_COLUMN, add_short_names
from scaling.api._results import load_trained
from scaling.api._table import tidy_table
from scaling.api._workspace import Workspace
from scaling.architectures import derived_widths
from scaling.config.study_curves import label_cells
from scaling.errors import FitError

_MAX_COST_RATIO = 1.25
"""Ratio of the largest to the smallest cost up to which networks have one cost.

Numbers of filters are integers, so equal costs are seldom possible.
"""

if TYPE_CHECKING:
    from analysis.optimum import StudyOptimum
    from scaling.config import Cell
    from scaling.fit.optimum import Optimum


def optimum(
    config: Path,
    workspace: Workspace | None = None,
    *,
    x: str = "ratio",
    y: str = "test_error",
    overrides: Sequence[str] = (),
) -> StudyOptimum:
    """Find the position of the smallest error along an axis, for each curve of a study.

    Args:
        config: YAML file of the study.
        workspace: stores and folders.
        x: ``ratio`` for d2/d1, a column of ``tidy_table``, or a setting by its short name.
        y: column of the error.
        overrides: changed settings, such as ``recipe.epochs=5``.

    Raises:
        StoreError: no store holds a run of the study.
        TableError: a column does not exist, or is not numeric.
        FitError: no curve has an optimum that the data determine.
    """
    from analysis.optimum import StudyOptimum
    from scaling.architectures.size_depth_rule import size_depth_ratios
    from scaling.fit.data.columns import check_column

    results = load_trained(config, workspace or Workspace(), overrides=overrides)
    runs = results.final_runs
    table = add_short_names(_add_ratios(tidy_table(runs)), {x, y})
    for name in (x, y):
        check_column(table.column_names, name)
    cells = [cell for cell in results.plan.study.cells if not cell.pending]
    labels = label_cells(cells, x)
    is_ratio = x in (width.ratio for width in derived_widths())
    optima: list[Optimum] = []
    failures: list[str] = []
    ratios, costs = dict[str, dict[str, float]](), dict[str, str]()
    for label in dict.fromkeys(labels):
        members = [cell for cell, other in zip(cells, labels, strict=True) if other == label]
        try:
            optimum = _fit_curve(table, members, label=label, x=x, y=y)
        except FitError as error:
            failures.append(str(error))
            continue
        optima.append(_reject_mixed_widths(optimum, members) if is_ratio else optimum)
        costs[label] = _format_costs(members)
        ratios[label] = size_depth_ratios(members[0].layer_table()) if is_ratio else {}
    failures = list(dict.fromkeys(failures))
    if not optima:
        raise FitError("; ".join(failures))
    return StudyOptimum(
        x=x,
        dataset_title=" and ".join(dict.fromkeys(cell.info.title for cell in cells)),
        optima=tuple(optima),
        size_depth_ratios=ratios,
        costs=costs,
        failures=tuple(failures),
        runs=runs,
    )


def _fit_curve(table: pa.Table, cells: Sequence[Cell], *, label: str, x: str, y: str) -> Optimum:
    from scaling.fit.data.table import group_points
    from scaling.fit.optimum import find_optimum

    ids = pa.array([cell.run(seed).id for cell in cells for seed in range(cell.seeds)], pa.string())
    stored = table.filter(pc.is_in(table["id"], ids))
    if not len(stored):
        raise FitError(f"{label}: no run is stored")
    runs = stored.filter(pc.is_valid(stored[x]))
    if not len(runs):
        raise FitError(f"{cells[0].architecture.type}: this architecture has no {x}")
    runs = runs.append_column(CURVE_COLUMN, pa.array([label] * len(runs)))
    (group,) = group_points(runs, x=x, y=y, by=(CURVE_COLUMN,))
    return find_optimum(group.points, label=label, notes=group.notes)


def _reject_mixed_widths(optimum: Optimum, cells: Sequence[Cell]) -> Optimum:
    """Reject the optimal ratio of networks that share neither the width nor a cost."""
    from scaling.fit import Status

    if len({cell.architecture.filters for cell in cells}) == 1 or all(cell.costs() for cell in cells):
        return optimum
    tables = [cell.layer_table() for cell in cells]
    for costs in ([table.macs for table in tables], [table.parameters for table in tables]):
        if max(costs) <= _MAX_COST_RATIO * min(costs):
            return optimum
    reason = "the networks at different ratios differ in width; give macs or parameters"
    return replace(optimum, status=Status.REJECTED, reason=reason)


def draw_optimum(optimum: StudyOptimum, folder: Path) -> list[Path]:
    """Write the figure of the optima, as .svg, .png and .csv.

    Raises:
        UsageError: the folder cannot be written.
    """
    from analysis.optimum_figure import draw_optima

    return save_figures(folder, lambda: [draw_optima(optimum)])


def _format_costs(cells: Sequence[Cell]) -> str:
    """Return the range of costs, such as ``642,120 to 651,720 MACs and 62,006 parameters``."""
    tables = [cell.layer_table() for cell in cells]
    columns = {
        "MACs": [table.macs for table in tables],
        "parameters": [table.parameters for table in tables],
    }
    return " and ".join(
        " to ".join(f"{total:,}" for total in sorted({min(totals), max(totals)})) + f" {name}"
        for name, totals in columns.items()
    )


def _add_ratios(table: pa.Table) -> pa.Table:
    """Add a column with the ratio of each derived width to the filters; null where there is no such width."""
    for width in derived_widths():
        if width.setting_path in table.column_names:
            second = table[width.setting_path].cast(pa.float64())
            second = pc.if_else(pc.greater(second, 0), second, pa.scalar(None, pa.float64()))
            ratio = pc.divide(second, table["filters"].cast(pa.float64()))
            table = table.append_column(width.ratio, ratio)
    return table
