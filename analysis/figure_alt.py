"""Sentences that say what a figure shows, for readers who do not see it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from analysis.figure_axes import FigureAxis
from analysis.formatting import format_count, format_percent


def describe_curves(means: pa.Table, *, axis: FigureAxis, legend: Sequence[str]) -> str:
    """Return sentences on a figure of test errors: the ends of each curve, and the entries of the legend.

    Args:
        means: mean errors, as ``mean_errors`` gives them.
        axis: the horizontal axis.
        legend: texts of the entries of the curves.
    """
    ends = describe_ends(means, x=axis.column, y="mean_error")
    entries = "; ".join(legend).replace("$\\rho$", "ρ").replace("$E$", "E")
    return f"Mean test error against {axis.name}, both logarithmic. {ends}. Legend: {entries}."


def describe_ends(
    numbers: pa.Table,
    *,
    x: str,
    y: str,
    by: str = "group",
    unit: str = "",
    text: Callable[[float], str] = format_percent,
) -> str:
    """Return the first and the last value of each curve: ``lenet5: 4.84 % at 1 to 2.31 % at 12; ...``.

    Args:
        numbers: the drawn values.
        x: column of the horizontal axis.
        y: column of the vertical axis; rows with a null are left out.
        by: column that tells the curves apart.
        unit: noun for values of ``by`` that are numbers.
        text: text of a value of ``y``.
    """
    numbers = numbers.filter(pc.is_valid(numbers[y]))
    parts = []
    for curve in pc.unique(numbers[by]).to_pylist():
        rows = numbers.filter(pc.field(by) == curve).sort_by(x).to_pylist()
        ends = dict.fromkeys(f"{text(row[y])} at {_size(row[x])}" for row in (rows[0], rows[-1]))
        parts.append(f"{format_count(int(curve), unit) if unit else curve}: {' to '.join(ends)}")
    return "; ".join(parts)


def _size(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
