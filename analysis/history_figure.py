"""Figure of published and measured test errors by year."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import isnan

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import style
from analysis.history import FIGURE_CAPTION, History, HistoryRow, MeasuredError
from analysis.published_system import Era, PublishedSystem
from analysis.report_figure import ReportFigure

_WIDTH = 6.6
"""Width of the figure, in inches."""
_YEAR_GAP = 0.6
"""Distance between the systems of two years, beyond the distance between two systems."""
_OFFSETS = {None: -0.2, Era.PUBLISHED: 0.0, Era.LATER: 0.0, Era.TODAY: 0.2}
"""Horizontal distances of the markers from the centre of their system; None is the published error."""
_COLORS = {
    None: style.PALETTE[-1],
    Era.PUBLISHED: style.PALETTE[0],
    Era.LATER: style.PALETTE[2],
    Era.TODAY: style.PALETTE[1],
}
_MARKERS = {None: "D", Era.PUBLISHED: "o", Era.LATER: "^", Era.TODAY: "s"}
_LABELS = {
    None: "published",
    Era.PUBLISHED: "measured, recipe of its time",
    Era.LATER: "measured, methods of 1998",
    Era.TODAY: "measured, recipe of today",
}


@dataclass(frozen=True, kw_only=True)
class _Column:
    """Column of the figure: one system."""

    x: float
    system: PublishedSystem
    rows: tuple[HistoryRow, ...]

    @property
    def measured(self) -> dict[Era, MeasuredError]:
        return {row.network.rebuild.era: row.measured for row in self.rows if row.network and row.measured}


def draw_history(history: History) -> ReportFigure:
    """Draw one column for each system with an error, in the order of the years."""
    columns = _make_columns(history)
    figure = Figure(figsize=(_WIDTH, 4.1))
    axes = figure.add_subplot(yscale="log", ylabel="Test error")
    for column in columns:
        _draw_column(axes, column)
    _label_systems(axes, columns)
    _label_years(axes, columns)
    style.label_log_axis(axes.yaxis, style.percent_ticks(), gap=0.06)
    figure.legend(handles=_legend(columns), loc="outside lower left", ncols=3)
    return ReportFigure(
        name="history",
        heading="Published and measured errors",
        caption=FIGURE_CAPTION,
        figure=figure,
        numbers=history.table(),
    )


def _make_columns(history: History) -> list[_Column]:
    columns: list[_Column] = []
    for system, group in groupby(history.rows, lambda row: row.system):
        rows = tuple(group)
        if system.year is None or not (system.error or any(row.measured for row in rows)):
            continue
        x = 0.0
        if columns:
            x = columns[-1].x + 1 + (_YEAR_GAP if columns[-1].system.year != system.year else 0)
        columns.append(_Column(x=x, system=system, rows=rows))
    return columns


def _draw_column(axes: Axes, column: _Column) -> None:
    measured = column.measured
    points: list[tuple[Era | None, float]] = [(None, column.system.error)] if column.system.error else []
    points += [(era, measured[era].error.estimate) for era in Era if era in measured]
    axes.plot(
        [column.x + _OFFSETS[era] for era, _ in points],
        [error for _, error in points],
        color="#aaaaaa",
        lw=0.8,
        zorder=2,
    )
    for era, error in points:
        x, color = column.x + _OFFSETS[era], _COLORS[era]
        axes.plot(x, error, _MARKERS[era], color=color, zorder=4)
        if era and not isnan(measured[era].error.low):
            limits = measured[era].error
            axes.plot([x, x], [limits.low, limits.high], color=color, lw=1.6, zorder=3)


def _label_systems(axes: Axes, columns: Sequence[_Column]) -> None:
    axes.set_xticks([column.x for column in columns], [column.system.name for column in columns])
    axes.tick_params(axis="x", length=0, rotation=40)
    for label in axes.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")
    axes.grid(visible=False, axis="x")
    axes.set_xlim(columns[0].x - 0.7, columns[-1].x + 0.7)


def _label_years(axes: Axes, columns: Sequence[_Column]) -> None:
    """Write each year above its systems, and draw a line between two years."""
    transform = axes.get_xaxis_transform()
    previous: float | None = None
    for year, group in groupby(columns, lambda column: column.system.year):
        places = [column.x for column in group]
        axes.text(
            (places[0] + places[-1]) / 2, 1.02, str(year), transform=transform, ha="center", weight="bold"
        )
        if previous is not None:
            axes.axvline((previous + places[0]) / 2, color="#cccccc", lw=0.7, zorder=1)
        previous = places[-1]


def _legend(columns: Iterable[_Column]) -> list[Line2D]:
    drawn: set[Era | None] = {era for column in columns for era in (None, *column.measured)}
    return [
        style.legend_entry(text, color=_COLORS[era], marker=_MARKERS[era], ls="" if era is None else "-")
        for era, text in _LABELS.items()
        if era in drawn
    ]
