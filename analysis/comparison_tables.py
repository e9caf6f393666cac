"""Tables of a comparison: sizes at equal error, Pareto fronts, best curves and crossings."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from analysis.comparison import StudyComparison
from analysis.comparison_text import budget_tables, equal_error_tables
from analysis.figure_axes import COMPARISON_AXES, COST_AXES
from analysis.formatting import NO_VALUE, format_percent, format_size
from analysis.report_tables import interval_columns
from analysis.table_files import PaperTable
from analysis.text_table import TextTable


def comparison_files(comparison: StudyComparison) -> list[PaperTable]:
    """Return the tables of a comparison, as numbers and as text."""
    texts = {
        "equal_error": (_equal_error_rows(comparison), equal_error_tables(comparison)),
        "pareto_front": (_pareto_rows(comparison), _pareto_texts(comparison)),
        "best_at_budget": (_budget_rows(comparison), budget_tables(comparison)),
        "crossings": (_crossing_rows(comparison), _crossing_texts(comparison)),
    }
    return [
        PaperTable(name=name, numbers=pa.Table.from_pylist(rows), texts=tuple(tables))
        for name, (rows, tables) in texts.items()
    ]


def _equal_error_rows(comparison: StudyComparison) -> list[dict[str, Any]]:
    return [
        {
            "first": sizes.first,
            "second": sizes.second,
            "x": sizes.x,
            "error": sizes.error,
            **interval_columns("first", sizes.sizes[0]),
            **interval_columns("second", sizes.sizes[1]),
            **interval_columns("ratio", sizes.ratio),
            "extrapolated": ", ".join(sizes.extrapolated),
            "measured": ", ".join(sizes.measured),
        }
        for sizes in comparison.equal_errors
    ]


def _pareto_rows(comparison: StudyComparison) -> list[dict[str, Any]]:
    return [
        {"cost": cost, **point.to_dict()}
        for cost, points in comparison.pareto_fronts.items()
        for point in points
    ]


def _budget_rows(comparison: StudyComparison) -> list[dict[str, Any]]:
    return [
        {
            "cost": cost,
            "budget": best.budget,
            "first": best.label,
            **interval_columns("error", best.error),
            "share": best.share_best,
            "second": best.runner_up,
            **interval_columns("second_error", best.runner_up_error),
            "extrapolated": ", ".join(best.extrapolated),
        }
        for cost, budgets in comparison.best_at_budgets.items()
        for best in budgets
    ]


def _crossing_rows(comparison: StudyComparison) -> list[dict[str, Any]]:
    return [
        {
            "first": crossing.first,
            "second": crossing.second,
            "x": crossing.x,
            **interval_columns("size", crossing.size),
            "error": crossing.error,
            "within": crossing.within,
        }
        for crossing in comparison.crossings
    ]


def _pareto_texts(comparison: StudyComparison) -> list[TextTable]:
    """Return a table of the networks on the front for each cost."""
    tables = []
    for axis in COST_AXES:
        front = [point for point in comparison.pareto_fronts.get(axis.column, ()) if point.on_front]
        if front:
            tables.append(
                TextTable(
                    title=f"Networks with the lowest mean error up to their {axis.name}",
                    caption=(
                        "Means over seeds, without intervals. share of resamples: share of draws of the means"
                        " in which the network is on the front"
                    ),
                    columns=(axis.name, "curve", "mean error", "runs", "share of resamples"),
                    rows=tuple(
                        (
                            f"{point.x:.3g} {axis.unit}" if axis.unit else f"{point.x:,.0f}",
                            point.label,
                            format_percent(point.error),
                            str(point.runs),
                            NO_VALUE
                            if point.share_on_front is None
                            else f"{100 * point.share_on_front:.0f} %",
                        )
                        for point in front
                    ),
                    right=frozenset({axis.name, "mean error", "runs", "share of resamples"}),
                )
            )
    return tables


def _crossing_texts(comparison: StudyComparison) -> list[TextTable]:
    if not comparison.crossings:
        return []
    names = {axis.column: axis.name + (f", {axis.unit}" if axis.unit else "") for axis in COMPARISON_AXES}
    return [
        TextTable(
            title="Sizes at which the laws of two curves cross",
            caption=(
                "95 % intervals. error: of both laws at the crossing. extrapolated: a curve was not measured"
                " on both sides of the crossing. never: the laws may not cross"
            ),
            columns=("first", "second", "axis", "size", "error", "measured"),
            rows=tuple(
                (
                    crossing.first,
                    crossing.second,
                    names[crossing.x],
                    format_size(crossing.size),
                    format_percent(crossing.error),
                    "on both sides" if crossing.within else "extrapolated",
                )
                for crossing in comparison.crossings
            ),
            right=frozenset({"error"}),
        )
    ]
