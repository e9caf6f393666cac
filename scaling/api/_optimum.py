"""Where the error of a study is least along an axis."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from scaling.api._load import CURVE, by_short_names
from scaling.api._report import drawn, tidy, trained
from scaling.api._workspace import Workspace
from scaling.config.curves import COSTS, LEARNING_RATE, curves, point
from scaling.config.pilots import AUTO
from scaling.errors import FitError

if TYPE_CHECKING:
    from rich.console import Group

    from analysis.optimum import StudyOptimum
    from scaling.config import Cell

SECOND, SHORT = "architecture.second_filters", "ratio"


def optimum(
    config: Path,
    workspace: Workspace | None = None,
    *,
    x: str = SHORT,
    y: str = "test_error",
    overrides: Sequence[str] = (),
) -> StudyOptimum:
    """Find the place of the least error along an axis, for each curve of a study.

    Args:
        config: the study's YAML file.
        x: ``ratio`` for d2/d1, or any column of ``tidy`` or setting by its short name.
        y: column of the error.
        overrides: such as ``recipe.epochs=5``.

    Raises:
        StoreError: no run of the study is in a store.
        TableError: no such column, or one that isn't numbers.
        FitError: no curve has a lowest place that could be told.
    """
    from analysis.optimum import StudyOptimum
    from scaling.architectures.size_depth_rule import size_depth_ratios
    from scaling.fit.data.columns import check_column
    from scaling.fit.data.table import group_points
    from scaling.fit.optimum import find_optimum

    made, runs = trained(config, workspace or Workspace(), overrides)
    table = by_short_names(_with_ratio(tidy(runs)), {x, y})
    for name in (x, y):
        check_column(table.column_names, name)
    cells = [cell for cell in made.study.cells if not cell.pending]
    labels = curves([_point(cell) for cell in cells], x).labels
    found, refused, lines, costs = [], [], dict[str, dict[str, float]](), dict[str, str]()
    for label in dict.fromkeys(labels):
        members = [cell for cell, own in zip(cells, labels, strict=True) if own == label]
        ids = pa.array([cell.run(seed).id for cell in members for seed in range(cell.seeds)], pa.string())
        mine = table.filter(pc.and_(pc.is_in(table["id"], ids), pc.is_valid(table[x])))
        if not len(mine):
            refused.append(f"{label}: no run with {x} is stored")
            continue
        mine = mine.append_column(CURVE, pa.array([label] * len(mine)))
        (group,) = group_points(mine, x=x, y=y, by=(CURVE,))
        try:
            found.append(find_optimum(group.points, label=label, notes=group.notes))
        except FitError as error:
            refused.append(str(error))
            continue
        costs[label] = _costs(members)
        lines[label] = size_depth_ratios(members[0].layer_table()) if x == SHORT else {}
    if not found:
        raise FitError("; ".join(refused))
    title = " and ".join(dict.fromkeys(cell.info.title for cell in cells))
    return StudyOptimum(
        x=x,
        title=title,
        optima=tuple(found),
        conserving=lines,
        costs=costs,
        refused=tuple(refused),
        runs=runs,
    )


def optima_text(made: StudyOptimum) -> Group:
    """The places as a table for the terminal, and a sentence for each."""
    from analysis.optimum import render_optima

    return render_optima(made)


def draw_optima(made: StudyOptimum, folder: Path) -> list[Path]:
    """Write the figure, as .svg, .png and .csv.

    Raises:
        UsageError: the folder can't be written.
    """
    from analysis.optimum import draw_optima

    return drawn(folder, lambda: [draw_optima(made)])


def _point(cell: Cell) -> dict[str, object]:
    """With the cost that the study holds fixed, which no run knows."""
    costs = {name: getattr(cell.architecture, name.partition(".")[2]) for name in COSTS}
    chosen = {LEARNING_RATE: AUTO} if cell.pilots else {}
    return (
        point(cell.run(0), cell.dataset.train_size(cell.info))
        | chosen
        | {name: value for name, value in costs.items() if value}
    )


def _costs(cells: Sequence[Cell]) -> str:
    """``642,120 to 651,720 MACs and 62,006 parameters``."""
    tables = [cell.layer_table() for cell in cells]
    told = []
    for name, totals in (
        ("MACs", [table.macs for table in tables]),
        ("parameters", [table.parameters for table in tables]),
    ):
        told.append(" to ".join(f"{total:,}" for total in sorted({min(totals), max(totals)})) + f" {name}")
    return " and ".join(told)


def _with_ratio(table: pa.Table) -> pa.Table:
    """With d2/d1 as the column ``ratio``, empty where there is no second convolution."""
    if SECOND not in table.column_names:
        return table
    second = table[SECOND].cast(pa.float64())
    known = pc.if_else(pc.greater(second, 0), second, pa.scalar(None, pa.float64()))
    return table.append_column(SHORT, pc.divide(known, table["filters"].cast(pa.float64())))
