"""Figure that compares curves along one axis: means, laws, crossings, and the Pareto front."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import style
from analysis.curve_marks import name_curve, name_legend
from analysis.curve_names import NamedLine, name_ends
from analysis.error_figure import draw_curve_runs, draw_means
from analysis.figure_alt import describe_curves
from analysis.figure_axes import COST_AXES, FigureAxis
from analysis.formatting import format_count, format_interval, format_test_set, format_training
from analysis.laws import WIDE_BAND_NOTE, CurveFits, has_wide_band
from analysis.means import mean_errors
from analysis.report_figure import ReportFigure
from analysis.run_groups import GroupedRuns
from scaling.fit import Fit, Interval, Law, find_crossing, pareto_front, preferred_law

MAX_EXTRAPOLATION = 4.0
"""Factor beyond its widest network to which a law is drawn."""

_BOTTOM, _TOP = 0.5, 1.25
"""Limits of the vertical axis, as factors of the smallest and the largest error of a run."""
_FRONT_STYLE: dict[str, Any] = {"color": style.GREY, "lw": 3.5, "alpha": 0.35}
_CROSSING_STYLE: dict[str, Any] = {"marker": "o", "ls": "", "ms": 4.5, "mec": "black", "mew": 0.9}


@dataclass(frozen=True, kw_only=True)
class CurveCrossing:
    """Size at which the laws of two curves cross."""

    first: str
    second: str
    x: str
    """Name of the axis."""
    size: Interval
    error: float
    """Error of both laws at the crossing."""
    within: bool
    """True if both curves were measured on both sides of the crossing."""


def find_crossings(fits: list[Fit]) -> list[CurveCrossing]:
    """Return the crossings of all pairs of curves, within the range in which both laws are drawn."""
    followed = [(fit, law) for fit in fits if (law := preferred_law(fit))]
    crossings = []
    for (first, first_law), (second, second_law) in combinations(followed, 2):
        crossing = find_crossing(first, second, laws=(first_law, second_law))
        size = crossing.x_cross
        if size and all(
            fit.points.widths[0] <= size.estimate <= MAX_EXTRAPOLATION * fit.points.widths[-1]
            for fit in (first, second)
        ):
            crossings.append(
                CurveCrossing(
                    first=first.label,
                    second=second.label,
                    x=first.points.x_name,
                    size=size,
                    error=float(first_law.predict(size.estimate)),
                    within=crossing.interpolated,
                )
            )
    return crossings


def draw_comparison(
    grouped: GroupedRuns, fits: CurveFits, *, axis: FigureAxis, crossings: Sequence[CurveCrossing]
) -> ReportFigure:
    """Draw the test error of all curves along one axis, both axes logarithmic.

    Args:
        grouped: the runs.
        fits: laws fitted along the same axis.
        axis: the horizontal axis; on an axis of costs, the Pareto front is drawn too.
        crossings: where the laws along this axis cross.
    """
    figure = Figure(figsize=style.figure_size(3.15, legend=0.18 * len(grouped.labels)))
    title = f"{format_test_set(grouped.runs, grouped.dataset_title)}\n{format_training(grouped.runs)}"
    axes = figure.add_subplot(xscale="log", yscale="log", title=title, xlabel=axis.label, ylabel="Test error")
    means = mean_errors(grouped, axis.column)
    handles, titles = _draw_curves(axes, grouped, means=means, fits=fits, axis=axis)
    legend = [str(entry.get_label()) for entry in handles]
    if axis in COST_AXES and fits.fits:
        handles.append(_draw_front(axes, fits))
    if crossings:
        handles.append(_draw_crossings(axes, crossings))
    has_law = any(map(preferred_law, fits.fits))
    if has_law:
        handles.append(style.legend_entry("law with its 95 % band; dashed: extrapolated", color=style.GREY))
    name_legend(figure.legend(handles=handles, loc="outside lower left"), grouped.labels)
    errors = grouped.runs["test_error"].to_numpy()
    if (errors > 0).any():
        # A band can be wider than all data by orders of magnitude, so it must not set the limits.
        axes.set_ylim(_BOTTOM * errors[errors > 0].min(), _TOP * errors.max())
    style.label_log_axis(axes.xaxis, style.amount_ticks(axis.unit), gap=0.09)
    style.label_error_axis(axes, gap=0.06)
    lines = [_named_line(*curve, means=means, fits=fits) for curve in enumerate(grouped.labels)]
    name_ends(axes, lines)
    return ReportFigure(
        name=f"against_{axis.column}",
        heading=f"Test error against {axis.name}",
        caption=_caption(grouped, axis, has_law=has_law)
        + (WIDE_BAND_NOTE if any(map(has_wide_band, fits.fits)) else ""),
        figure=figure,
        numbers=_numbers(means, fits),
        alt=describe_curves(means, axis=axis, legend=legend),
        titles=titles,
        curves=grouped.labels,
    )


def _draw_curves(
    axes: Axes, grouped: GroupedRuns, *, means: pa.Table, fits: CurveFits, axis: FigureAxis
) -> tuple[list[Line2D], dict[str, list[str]]]:
    """Draw runs, means and laws, and return the legend entries and the titles of the marks."""
    handles, titles = [], dict[str, list[str]]()
    for index, label in enumerate(grouped.labels):
        curve, runs = style.curve_style(index), grouped.of_curve(label)
        with name_curve(axes, index):
            titles |= draw_curve_runs(axes, runs, x=axis.column, color=curve.color, index=index)
            fit = fits.by_label.get(label)
            law = preferred_law(fit) if fit else None
            if fit and law:
                _draw_law(axes, fit, law=law, color=curve.color)
            rows = means.filter(pc.field("group") == label)
            titles |= draw_means(axes, rows, x=axis.column, curve=curve, index=index)
        text = _legend_text(label, law, runs=len(runs), several_sizes=fits.several_sizes)
        line = "-" if law else ""
        handles.append(style.legend_entry(text, color=curve.color, marker=curve.marker, ls=line))
    return handles, titles


def _named_line(index: int, label: str, *, means: pa.Table, fits: CurveFits) -> NamedLine:
    """Return the drawn law of a curve, or without one its means, for its name."""
    fit = fits.by_label.get(label)
    if fit and (law := preferred_law(fit)):
        x = _drawn_sizes(fit.points.widths[0], MAX_EXTRAPOLATION * fit.points.widths[-1])
        y = law.predict(x)
    else:
        rows = means.filter(pc.field("group") == label)
        x, y = rows[fits.x].to_numpy(), rows["mean_error"].to_numpy()
    return NamedLine(index=index, name=label, x=x, y=y, color=style.curve_style(index).color)


def _draw_law(axes: Axes, fit: Fit, *, law: Law, color: str) -> None:
    narrowest, widest = fit.points.widths[0], fit.points.widths[-1]
    for start, end, line, width, alpha in (
        (narrowest, widest, "-", 1.3, 0.15),
        (widest, MAX_EXTRAPOLATION * widest, "--", 1.0, 0.07),
    ):
        x = _drawn_sizes(start, end)
        if not has_wide_band(fit):
            low, high = law.band(x)
            style.draw_band(axes, x, low=low, high=high, color=color, alpha=alpha)
        axes.plot(x, law.predict(x), color=color, ls=line, lw=width, zorder=3)


def _drawn_sizes(start: float, end: float) -> np.ndarray:
    return np.geomspace(start, end, 80)


def _draw_front(axes: Axes, fits: CurveFits) -> Line2D:
    """Draw the lowest mean error up to each cost, and return its legend entry."""
    best = [point for point in pareto_front(fits.fits) if point.on_front]
    x, error = [point.x for point in best], style.positive_or_nan([point.error for point in best])
    axes.step(x, error, where="post", zorder=1, **_FRONT_STYLE)
    return style.legend_entry("lowest mean error up to each cost", **_FRONT_STYLE)


def _draw_crossings(axes: Axes, crossings: Sequence[CurveCrossing]) -> Line2D:
    """Draw a circle at each crossing, and return the legend entry."""
    for crossing in crossings:
        fill = "black" if crossing.within else "white"
        axes.plot(crossing.size.estimate, crossing.error, zorder=5, mfc=fill, **_CROSSING_STYLE)
    return style.legend_entry("laws cross (hollow: extrapolated)", mfc="black", **_CROSSING_STYLE)


def _legend_text(label: str, law: Law | None, *, runs: int, several_sizes: bool) -> str:
    if law is None:
        return f"{label}: {'no law, ' if several_sizes else ''}{format_count(runs, 'run')}"
    exponent = f"$\\rho$ = {format_interval(law.parameters['exponent'])}"
    floor = ""
    if "floor" in law.parameters:
        floor = f", $E$ = {format_interval(law.parameters['floor'], percent=True)}"
    return f"{label}: {exponent}{floor}, {format_count(runs, 'run')}"


def _caption(grouped: GroupedRuns, axis: FigureAxis, *, has_law: bool) -> str:
    laws = (
        " Each law has the form that the verdict selects, A x^-ρ or A x^-ρ + E, and a pointwise 95 % band. A"
        f" law is drawn up to {MAX_EXTRAPOLATION:g} times its widest network, dashed where nothing was"
        " measured."
    )
    return (
        "Mean error over seeds, on this test set"
        f" (the {format_test_set(grouped.runs, grouped.dataset_title)}), against {axis.name};"
        f" {format_training(grouped.runs)}. Each faint point is one run, each marker a mean over seeds."
        f"{laws if has_law else ''}"
    )


def _numbers(means: pa.Table, fits: CurveFits) -> pa.Table:
    """Return one row for each curve and size: the measured mean, the law, and its floor E."""
    rows = []
    for row in means.to_pylist():
        fit, x = fits.by_label.get(row["group"]), row[fits.x]
        law = preferred_law(fit) if fit else None
        low, high = law.band(x) if law else (None, None)
        floor = law.parameters.get("floor") if law else None
        rows.append(
            {
                "group": row["group"],
                fits.x: float(x),
                "runs": row["runs"],
                "mean_error": row["mean_error"],
                "form": law.form.name if law else None,
                "law": float(law.predict(x)) if law else None,
                "law_low": None if low is None else float(low),
                "law_high": None if high is None else float(high),
                "E": floor and floor.estimate,
                "E_low": floor and floor.low,
                "E_high": floor and floor.high,
            }
        )
    schema = [
        ("group", pa.string()),
        (fits.x, pa.float64()),
        ("runs", pa.int64()),
        ("mean_error", pa.float64()),
        ("form", pa.string()),
        ("law", pa.float64()),
        ("law_low", pa.float64()),
        ("law_high", pa.float64()),
        ("E", pa.float64()),
        ("E_low", pa.float64()),
        ("E_high", pa.float64()),
    ]
    return pa.Table.from_pylist(rows, pa.schema(schema))
