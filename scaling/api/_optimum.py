"""Find where the error of a study or a table is smallest along an axis, for each curve."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from scaling.api._figures import save_figures
from scaling.api._fit import check_request, load_curves
from scaling.api._fit_options import FitOptions, RowOptions
from scaling.api._load import (
    CURVE_COLUMN,
    RunSource,
    TableInMemory,
    as_run_source,
    is_external_table,
    named_errors,
)
from scaling.api._losses import fill_losses, note_missing_losses
from scaling.api._results import load_trained
from scaling.api._table import add_requested_settings, setting_column, tidy_table
from scaling.api._workspace import Workspace
from scaling.architectures import derived_widths
from scaling.config import StudySource
from scaling.config.study_curves import label_cells
from scaling.errors import FitError, UsageError
from scaling.notes import without_hints

_MAX_COST_RATIO = 1.25
"""Ratio of the largest to the smallest cost up to which networks have one cost.

Numbers of filters are integers, so equal costs are seldom possible.
"""

if TYPE_CHECKING:
    from analysis.figure_options import FigureOptions
    from analysis.optimum import StudyOptimum
    from scaling.config import Cell
    from scaling.fit.data.table import PointsGroup
    from scaling.fit.optimum import Optimum


def optimum(
    source: Any,
    workspace: Workspace | None = None,
    *,
    x: str = "ratio",
    y: str = "test_error",
    by: Sequence[str] = (),
    std: str | None = None,
    rows: RowOptions | None = None,
    overrides: Sequence[str] = (),
) -> StudyOptimum:
    """Find the position of the smallest error along an axis, for each curve of a study or a table.

    Args:
        source: YAML file of a study or its settings, or a table as for ``fit``.
        workspace: stores and folders.
        x: ``ratio`` for d2/d1 of a study, a column of ``tidy_table``, a setting by its short name, or a
            column of the table.
        y: column of the error.
        by: for a table, columns whose values separate the curves; by default ``architecture``, if there is
            one.
        std: for a table, column of known standard deviations of y.
        rows: for a table, which rows are runs.
        overrides: changed settings of a study, such as ``recipe.epochs=5``.

    Raises:
        StoreError: no store holds a run of the study.
        TableError: a column does not exist, or is not numeric.
        UsageError: options that the source does not have.
        FitError: no curve has an optimum that the data determine.
    """
    source, rows = as_run_source(source), rows or RowOptions()
    if isinstance(source, TableInMemory) or is_external_table(source):
        options = FitOptions(x=x, y=y, by=by or None, std=std)
        return _optima_of_table(source, options, rows, overrides=overrides)
    _refuse_table_options(source, {"by": by, "std": std, **vars(rows)})
    study = Path(source) if isinstance(source, str) else source
    return _optima_of_study(study, workspace or Workspace(), x=x, y=y, overrides=overrides)


def _refuse_table_options(source: RunSource, options: Mapping[str, Any]) -> None:
    """Check that no option is given that only a table has."""
    for option, value in options.items():
        if value:
            given = "" if value is True else f"{value if isinstance(value, str) else value[0]}: "
            raise UsageError(
                f"{given}is for tables, and {source} is no table (.parquet, .csv); leave it out",
                option=option,
            )


def _optima_of_table(
    source: RunSource, options: FitOptions, rows: RowOptions, *, overrides: Sequence[str]
) -> StudyOptimum:
    from analysis.optimum import StudyOptimum
    from scaling.fit.data.table import group_points

    check_request(source, options, rows, population=False, counts=None, best=None)
    loaded, options = load_curves(
        source, Workspace(), options, rows, overrides=overrides, counts=None, best=None
    )
    with named_errors(source):
        groups = group_points(
            loaded.runs, x=options.x, y=options.y, by=tuple(options.by or ()), std=options.std
        )
    optima, failures = _find_optima(
        [
            (", ".join(group.values.values()) or "all", group, (*loaded.notes, *group.notes))
            for group in groups
        ]
    )
    if not optima:
        raise FitError(f"{source}: {'; '.join(failures)}")
    return StudyOptimum(
        x=options.x,
        title=str(source),
        training="",
        optima=optima,
        size_depth_ratios={},
        costs={},
        failures=failures,
    )


def _find_optima(
    curves: Iterable[tuple[str, PointsGroup, Sequence[str]]],
) -> tuple[tuple[Optimum, ...], tuple[str, ...]]:
    """Return the optima of curves, each a label with points and notes, and why other curves have none.

    An optimum of rows that are no replicates is not usable without caution.
    """
    from scaling.fit.optimum import find_optimum

    optima, failures = [], []
    for label, group, notes in curves:
        try:
            optimum = find_optimum(group.points, label=label, notes=tuple(notes))
            optima.append(optimum.with_caution(group.caution))
        except FitError as error:
            failures.append(str(error))
    return tuple(optima), tuple(dict.fromkeys(failures))


def _optima_of_study(
    config: StudySource, workspace: Workspace, *, x: str, y: str, overrides: Sequence[str]
) -> StudyOptimum:
    from analysis.formatting import format_test_set, format_training
    from analysis.optimum import StudyOptimum
    from scaling.architectures.size_depth_rule import size_depth_ratios
    from scaling.fit.data.columns import check_column

    results = load_trained(config, workspace, overrides=overrides)
    runs = fill_losses(results.final_runs, workspace, {x, y})
    table = add_requested_settings(_add_ratios(tidy_table(runs)), {x, y})
    for name in (x, y):
        check_column(table.column_names, name)
    loss_notes = note_missing_losses(table, y)
    cells = [cell for cell in results.plan.study.cells if not cell.pending]
    labels = label_cells(cells, x)
    members = {
        label: [cell for cell, other in zip(cells, labels, strict=True) if other == label]
        for label in dict.fromkeys(labels)
    }
    curves, absent = [], []
    for label, of_curve in members.items():
        try:
            group = _select_curve(table, of_curve, label=label, x=x, y=y)
            curves.append((label, group, (*loss_notes, *without_hints(group.notes))))
        except FitError as error:
            absent.append(str(error))
    optima, failures = _find_optima(curves)
    failures = tuple(dict.fromkeys([*absent, *failures]))
    if not optima:
        raise FitError("; ".join(failures))
    is_ratio = x in (width.ratio for width in derived_widths())
    if is_ratio:
        optima = tuple(_reject_mixed_widths(optimum, members[optimum.label]) for optimum in optima)
    title = " and ".join(dict.fromkeys(cell.info.title for cell in cells))
    return StudyOptimum(
        x=x,
        title=format_test_set(runs, title),
        training=format_training(runs),
        optima=optima,
        size_depth_ratios={
            optimum.label: size_depth_ratios(members[optimum.label][0].layer_table())
            for optimum in optima
            if is_ratio
        },
        costs={optimum.label: _format_costs(members[optimum.label]) for optimum in optima},
        failures=failures,
    )


def _select_curve(table: pa.Table, cells: Sequence[Cell], *, label: str, x: str, y: str) -> PointsGroup:
    """Return the points of one curve of a study."""
    from scaling.fit.data.table import group_points

    ids = pa.array([cell.run(seed).id for cell in cells for seed in range(cell.seeds)], pa.string())
    stored = table.filter(pc.is_in(table["id"], ids))
    if not len(stored):
        raise FitError(f"{label}: no run is stored")
    runs = stored.filter(pc.is_valid(stored[x]))
    if not len(runs):
        raise FitError(f"{cells[0].architecture.type}: this architecture has no {x}")
    runs = runs.append_column(CURVE_COLUMN, pa.array([label] * len(runs)))
    (group,) = group_points(runs, x=x, y=y, by=(CURVE_COLUMN,))
    return group


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


def draw_optimum(optimum: StudyOptimum, folder: Path, figures: FigureOptions | None = None) -> list[Path]:
    """Write the figure of the optima, and its numbers.

    Args:
        optimum: the optima.
        folder: it is created if needed.
        figures: formats, width and font of the figure; by default those of a page.

    Raises:
        UsageError: the folder cannot be written.
    """
    from analysis.optimum_figure import draw_optima

    return save_figures(folder, lambda: [draw_optima(optimum)], figures)


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
        if setting_column(width.setting_path) in table.column_names:
            second = table[setting_column(width.setting_path)].cast(pa.float64())
            second = pc.if_else(pc.greater(second, 0), second, pa.scalar(None, pa.float64()))
            ratio = pc.divide(second, table["filters"].cast(pa.float64()))
            table = table.append_column(width.ratio, ratio)
    return table
