"""Curves set against each other along one axis: means, the law of each, where laws meet, and the best of every budget."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import style
from analysis.error_figure import FigureAxis, draw_runs
from analysis.formatting import format_count, format_interval, format_test_set, format_training
from analysis.laws import CurveFits
from analysis.report_figure import ReportFigure
from analysis.run_groups import GroupedRuns
from scaling.fit import Fit, Interval, Law, find_crossing, pareto_front, preferred_law

BEYOND = 4.0
"""Times its widest network, a law is drawn."""
BELOW, ABOVE = 0.5, 1.25
"""Times the least and the largest error of a run: where the figure ends."""
GREY = "#888888"


@dataclass(frozen=True, kw_only=True)
class CurveCrossing:
    """Where the laws of two curves meet."""

    first: str
    second: str
    x: str
    place: Interval
    error: float
    within: bool
    """Whether both curves were measured there."""


def find_crossings(fits: list[Fit]) -> list[CurveCrossing]:
    """Of every pair of curves whose laws meet as far as they are drawn."""
    found = []
    for pair in combinations([(fit, law) for fit in fits if (law := preferred_law(fit))], 2):
        (first, one), (second, other) = pair
        met = find_crossing(first, second, laws=(one, other))
        if met.x_cross and all(
            fit.points.widths[0] <= met.x_cross.estimate <= BEYOND * fit.points.widths[-1] for fit, _ in pair
        ):
            error = float(one.predict(met.x_cross.estimate))
            found.append(
                CurveCrossing(
                    first=first.label,
                    second=second.label,
                    x=first.points.x_name,
                    place=met.x_cross,
                    error=error,
                    within=met.interpolated,
                )
            )
    return found


def draw_comparison(grouped: GroupedRuns, laws: CurveFits, axis: FigureAxis, *, budget: bool) -> ReportFigure:
    """Test error of all curves along one axis, log-log.

    Args:
        grouped: the runs.
        laws: fitted along the same axis.
        axis: which.
        budget: whether less of it is better, so that there is a best curve for each amount.
    """
    fits = list(laws.fits.values())
    figure = Figure(figsize=(style.WIDTH, 3.15 + 0.18 * len(grouped.labels)))
    title = f"{format_test_set(grouped.runs, grouped.title)}\n{format_training(grouped.runs)}"
    axes = figure.add_subplot(xscale="log", yscale="log", title=title, xlabel=axis.title, ylabel="test error")
    handles = []
    for index, label in enumerate(grouped.labels):
        look, runs = style.curve_style(index), grouped.of(label)
        draw_runs(axes, runs[axis.column].to_numpy(), runs["test_error"].to_numpy(), look.color)
        fit = laws.fits.get(label)
        law = preferred_law(fit) if fit else None
        if fit and law:
            _curve(axes, fit, law, look.color)
        if fit:
            axes.plot(fit.points.widths, fit.points.means, look.marker, color=look.color, zorder=4)
        handles.append(
            Line2D([], [], color=look.color, marker=look.marker, label=_legend(label, law, len(runs)))
        )
    if budget:
        best = [place for place in pareto_front(fits) if place.on_front]
        axes.step(
            [place.x for place in best],
            [place.error for place in best],
            where="post",
            color=GREY,
            lw=3.5,
            alpha=0.35,
            zorder=1,
        )
        handles.append(
            Line2D([], [], color=GREY, lw=3.5, alpha=0.35, label="the least mean error up to each amount")
        )
    met = find_crossings(fits)
    for crossing in met:
        fill = "black" if crossing.within else "white"
        axes.plot(
            crossing.place.estimate, crossing.error, "o", ms=4.5, mfc=fill, mec="black", mew=0.9, zorder=5
        )
    if met:
        handles.append(
            Line2D(
                [],
                [],
                ls="",
                marker="o",
                ms=4.5,
                mfc="black",
                mec="black",
                label="laws meet (hollow: extrapolated)",
            )
        )
    handles.append(Line2D([], [], color=GREY, label="law with its 95 % band; dashed: extrapolated"))
    figure.legend(handles=handles, loc="outside lower left")
    drawn = grouped.runs["test_error"].to_numpy()
    if (drawn > 0).any():  # a band may be wider by orders of magnitude, and would leave nothing else to see
        axes.set_ylim(BELOW * drawn[drawn > 0].min(), ABOVE * drawn.max())
    style.label_log_axis(axes.xaxis, style.amount_ticks(), gap=0.09)
    style.label_log_axis(axes.yaxis, style.percent_ticks(), gap=0.06)
    return ReportFigure(
        name=f"against_{axis.column}",
        heading=f"Error against {axis.heading}",
        caption=_caption(grouped, axis),
        figure=figure,
        numbers=_numbers(laws),
    )


def _curve(axes: Axes, fit: Fit, law: Law, color: str) -> None:
    widest = fit.points.widths[-1]
    for (low, high), line, shade in (
        ((fit.points.widths[0], widest), "-", 0.15),
        ((widest, BEYOND * widest), "--", 0.07),
    ):
        x = np.geomspace(low, high, 80)
        axes.fill_between(x, *law.band(x), color=color, alpha=shade, lw=0)
        axes.plot(x, law.predict(x), color=color, ls=line, lw=1.3 if line == "-" else 1, zorder=3)


def _legend(label: str, law: Law | None, runs: int) -> str:
    if law is None:
        return f"{label}: no law, {format_count(runs, 'run')}"
    floor = (
        f", $E$ = {format_interval(law.parameters['floor'], unit=0.01)} %"
        if "floor" in law.parameters
        else ""
    )
    return f"{label}: $\\rho$ = {format_interval(law.parameters['exponent'])}{floor}, {format_count(runs, 'run')}"


def _caption(grouped: GroupedRuns, axis: FigureAxis) -> str:
    return (
        f"Mean error over seeds, on this test set (the {format_test_set(grouped.runs, grouped.title)}), against {axis.title}; "
        f"{format_training(grouped.runs)}. Faint points are single runs, markers are means over seeds. Each law is of the form that its points ask "
        f"for, A x^-ρ or A x^-ρ + E, with its pointwise 95 % band, to {BEYOND:g} times its widest network: dashed where nothing was measured."
    )


def _numbers(laws: CurveFits) -> pa.Table:
    """One row a curve and size: what was measured and its law."""
    rows = []
    for label, fit in laws.fits.items():
        law = preferred_law(fit)
        for place, x in enumerate(fit.points.widths):
            low, high = law.band(x) if law else (None, None)
            rows.append(
                {
                    "group": label,
                    laws.x: float(x),
                    "runs": int(fit.points.counts[place]),
                    "mean_error": float(fit.points.means[place]),
                    "form": law.form.name if law else None,
                    "law": float(law.predict(x)) if law else None,
                    "law_low": None if low is None else float(low),
                    "law_high": None if high is None else float(high),
                }
            )
    kinds = {"runs": pa.int64()} | dict.fromkeys(
        (laws.x, "mean_error", "law", "law_low", "law_high"), pa.float64()
    )
    names = ("group", laws.x, "runs", "mean_error", "form", "law", "law_low", "law_high")
    return pa.Table.from_pylist(rows, pa.schema([(name, kinds.get(name, pa.string())) for name in names]))


def average_over_cells(runs: pa.Table, column: str) -> pa.Table:
    """With a measured amount, such as a time, as the mean of each curve and width: replicates share their size."""
    cells = runs.group_by(["group", "filters"], use_threads=False).aggregate([(column, "mean")])
    joined = (
        runs.drop_columns(column)
        .append_column("row", pa.array(range(len(runs))))
        .join(cells, ["group", "filters"])
    )
    return joined.sort_by("row").drop_columns("row").rename_columns({f"{column}_mean": column})
