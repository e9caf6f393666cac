"""Figure of test error against one axis: every run, the means over seeds, and the fitted laws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import style
from analysis.curve_marks import MEANS, RUNS, curve_id, mean_titles, name_curve, name_legend, run_titles
from analysis.curve_names import NamedLine, name_ends
from analysis.figure_alt import describe_curves
from analysis.figure_axes import FigureAxis
from analysis.formatting import format_count, format_exponent, format_test_set
from analysis.laws import WIDE_BAND_NOTE, CurveFits, accepted_laws, describe_form, has_wide_band
from analysis.report_figure import ReportFigure
from analysis.run_groups import GroupedRuns
from scaling.fit import Fit, preferred_law
from scaling.fit.forms import FLOOR
from scaling.plan.forecast_score import Outcome, TargetScore

_MAX_SHIFT = 0.018
"""Distance in decades by which the outermost seeds are shifted sideways; less where widths lie closer."""
_FORECAST_SHIFT = 0.045
"""Distance in decades by which a forecast is drawn to the left of its runs."""
_FORECAST_MARKER: dict[str, Any] = {"marker": "D", "markersize": 5, "markerfacecolor": "white"}
_MIN_SPAN = 2.0
"""Least ratio of the ends of the horizontal axis, so that shifted points do not look like other sizes."""
_MAX_VECTOR_POINTS = 2000
"""Largest number of runs that are drawn as outlines; more runs are drawn as pixels, to keep pages small."""


def draw_error_figure(
    grouped: GroupedRuns,
    means: pa.Table,
    *,
    fits: CurveFits,
    axis: FigureAxis,
    forecasts: Sequence[TargetScore] = (),
) -> ReportFigure:
    """Draw test error against one axis, both logarithmic.

    Args:
        grouped: the runs.
        means: their means over seeds, as ``mean_errors`` gives them.
        fits: laws fitted along the same axis.
        axis: the horizontal axis.
        forecasts: forecasts of numbers of filters, which are drawn along filters only, and only if they are
            older than their runs.
    """
    forecasts = _drawn_forecasts(forecasts, grouped) if axis.column == "filters" else []
    figure = Figure(figsize=style.figure_size(2.85, legend=0.18 * len(grouped.labels)))
    title = format_test_set(grouped.runs, grouped.dataset_title)
    axes = figure.add_subplot(xscale="log", yscale="log", title=title, xlabel=axis.label, ylabel="Test error")
    handles, titles, lines = [], dict[str, list[str]](), list[NamedLine]()
    for index, label in enumerate(grouped.labels):
        curve, runs = style.curve_style(index), grouped.of_curve(label)
        rows = means.filter(pc.field("group") == label)
        with name_curve(axes, index):
            titles |= draw_curve_runs(axes, runs, x=axis.column, color=curve.color, index=index)
            titles |= draw_means(axes, rows, x=axis.column, curve=curve, index=index)
            fit = fits.by_label.get(label)
            if fit:
                draw_laws(axes, fit, widths=rows[axis.column].to_numpy(), color=curve.color)
        lines.append(_named_line(index, label=label, rows=rows, fit=fit, axis=axis))
        handles.append(
            style.legend_entry(
                _legend_text(label, fits, runs=len(runs)),
                color=curve.color,
                marker=curve.marker,
                ls="-" if accepted_laws(fit) else "",
            )
        )
    for target in forecasts:
        _draw_forecast(axes, target, color=style.curve_style(grouped.labels.index(target.label)).color)
    _widen(axes)
    legend = [str(entry.get_label()) for entry in handles]
    handles += [*_law_legend(fits), *_forecast_legend(forecasts)]
    name_legend(figure.legend(handles=handles, loc="outside lower left"), grouped.labels)
    sizes = pc.unique(means[axis.column]).to_pylist()
    if axis.is_setting:
        style.label_values(axes, sizes)
    elif not fits.several_sizes and max(sizes) < 10 * min(sizes):
        style.label_values(axes, sizes, gap=0.09)
    else:
        style.label_log_axis(axes.xaxis, style.amount_ticks(axis.unit), gap=0.09)
    style.label_error_axis(axes, gap=0.06)
    name_ends(axes, lines)
    return ReportFigure(
        name=f"error_against_{axis.column}",
        heading=f"Test error against {axis.name}",
        caption=_caption(grouped, fits, axis=axis),
        figure=figure,
        numbers=_numbers(means, fits),
        alt=describe_curves(means, axis=axis, legend=legend),
        titles=titles,
        curves=grouped.labels,
    )


def draw_runs(axes: Axes, x: np.ndarray, *, error: np.ndarray, color: str) -> PathCollection:
    """Draw a faint point for every run; the seeds of a width are drawn side by side."""
    widths, first, width, runs = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
    min_distance = np.diff(np.log10(widths)).min(initial=1.0)
    rank = (np.arange(len(x)) - first[width]) / np.maximum(runs[width] - 1, 1)
    shift = min(_MAX_SHIFT, min_distance / 4) * np.where(runs[width] > 1, 2 * rank - 1, 0)
    positive = error > 0
    return axes.scatter(
        (x * 10**shift)[positive],
        error[positive],
        s=7,
        color=color,
        alpha=0.35,
        lw=0,
        zorder=2,
        rasterized=len(x) > _MAX_VECTOR_POINTS,
    )


def draw_curve_runs(axes: Axes, runs: pa.Table, *, x: str, color: str, index: int) -> dict[str, list[str]]:
    """Draw the runs of one curve, and return the titles of their points, by the id of the points.

    Args:
        axes: the panel.
        runs: the runs.
        x: column of the horizontal axis.
        color: colour of the curve.
        index: number of the curve.
    """
    error = runs["test_error"].to_numpy()
    points = draw_runs(axes, runs[x].to_numpy(), error=error, color=color)
    points.set_gid(RUNS)
    if points.get_rasterized():
        return {}
    return {curve_id(index, RUNS): run_titles(runs.filter(pa.array(error > 0)))}


def draw_means(
    axes: Axes, means: pa.Table, *, x: str, curve: style.CurveStyle, index: int
) -> dict[str, list[str]]:
    """Draw a marker for each mean above 0, and return the titles of the markers, by their id."""
    means = means.filter(pc.field("mean_error") > 0)
    axes.plot(means[x], means["mean_error"], curve.marker, color=curve.color, zorder=4, gid=MEANS)
    return {curve_id(index, MEANS): mean_titles(means)}


def draw_laws(axes: Axes, fit: Fit, *, widths: np.ndarray, color: str) -> None:
    """Draw the law that the verdict names with its band, and the other laws as thin dashed lines."""
    x, named = np.geomspace(widths.min(), widths.max(), 120), preferred_law(fit)
    for law in accepted_laws(fit).values():
        if law is named:
            if not has_wide_band(fit):
                low, high = law.band(x)
                style.draw_band(axes, x, low=low, high=high, color=color)
            axes.plot(x, law.predict(x), color=color, zorder=3)
        else:
            axes.plot(x, law.predict(x), color=color, ls="--", lw=0.8, alpha=0.7, zorder=3)


def _named_line(index: int, *, label: str, rows: pa.Table, fit: Fit | None, axis: FigureAxis) -> NamedLine:
    """Return the law of a curve that the verdict names, or without one its means, for its name."""
    x, law = rows[axis.column].to_numpy(), preferred_law(fit) if fit else None
    y = law.predict(x) if law else rows["mean_error"].to_numpy()
    return NamedLine(index=index, name=label, x=x, y=y, color=style.curve_style(index).color)


def _drawn_forecasts(forecasts: Sequence[TargetScore], grouped: GroupedRuns) -> list[TargetScore]:
    """Return the forecasts of these curves that are older than their runs."""
    return [
        target
        for target in forecasts
        if target.label in grouped.labels and target.outcome is not Outcome.NOT_BLIND
    ]


def _widen(axes: Axes) -> None:
    """Widen a horizontal axis that is too short for the shifted points of one size."""
    low, high = axes.get_xlim()
    if high < _MIN_SPAN * low:
        middle, half_span = np.sqrt(low * high), np.sqrt(_MIN_SPAN)
        axes.set_xlim(middle / half_span, middle * half_span)


def _draw_forecast(axes: Axes, target: TargetScore, *, color: str) -> None:
    """Draw a forecast with its interval as a hollow marker, a little to the left of the runs."""
    mean = target.predicted
    low, high = max(mean.estimate - mean.low, 0.0), max(mean.high - mean.estimate, 0.0)
    axes.errorbar(
        target.filters * 10**-_FORECAST_SHIFT,
        mean.estimate,
        yerr=[[low], [high]],
        color=color,
        markeredgecolor=color,
        **_FORECAST_MARKER,
        lw=1.0,
        capsize=3,
        zorder=5,
    )


def _forecast_legend(forecasts: Sequence[TargetScore]) -> list[Line2D]:
    text = "forecast made before these networks were trained, with its 95 % interval"
    entry = style.legend_entry(text, color=style.GREY, ls="-", markeredgecolor=style.GREY, **_FORECAST_MARKER)
    return [entry] if forecasts else []


def _law_legend(fits: CurveFits) -> list[Line2D]:
    """Return an entry for the laws that the verdicts name, and for the other laws."""
    named = [preferred_law(fit) for fit in fits.fits]
    has_others = any(
        len(accepted_laws(fit)) > (law is not None) for fit, law in zip(fits.fits, named, strict=True)
    )
    entries = []
    if any(named):
        entries.append(style.legend_entry("law that the verdict names, with its 95 % band", color=style.GREY))
    if has_others:
        entries.append(
            style.legend_entry("the same data with another form", color=style.GREY, ls="--", lw=0.8)
        )
    return entries


def _legend_text(label: str, fits: CurveFits, *, runs: int) -> str:
    fit, count = fits.by_label.get(label), format_count(runs, "run")
    law = preferred_law(fit) if fit else None
    if fit and law:
        exponent = format_exponent(law.parameters["exponent"])
        return f"{label}: {describe_form(law)}, $\\rho$ = {exponent}, {count}"
    return f"{label}: no law, {count}" if fits.several_sizes else f"{label}: {count}"


def _caption(grouped: GroupedRuns, fits: CurveFits, *, axis: FigureAxis) -> str:
    estimands = {fit.estimand for fit in fits.by_label.values()}
    estimand = "; ".join(sorted(estimands)) or "mean error over seeds, on this test set"
    zeros = pc.sum(pc.equal(grouped.runs["test_error"], 0)).as_py() or 0
    hidden = (
        f" {format_count(zeros, 'run')} with an error of 0 cannot be drawn on this scale; the means include"
        " such runs."
    )
    exponent = " ρ is the exponent of the law that the legend names, with its 95 % interval."
    test_set = format_test_set(grouped.runs, grouped.dataset_title)
    return (
        f"{estimand[0].upper()}{estimand[1:]} (the {test_set}), against {axis.name}, of"
        f" {format_count(len(grouped.runs), 'run')}. Each faint point is one run, shifted sideways so that"
        f" all runs are visible. Each marker is a mean over seeds.{exponent if fits.any_accepted else ''}"
        f"{WIDE_BAND_NOTE if any(map(has_wide_band, fits.fits)) else ''}{hidden if zeros else ''}"
    )


def _numbers(means: pa.Table, fits: CurveFits) -> pa.Table:
    """Return the means with the laws as further columns, by the names of their forms.

    ``power_low`` and ``power_high`` bound the power law at each x by itself; ``power_all_low`` and
    ``power_all_high`` bound the whole curve. ``E``, ``E_low`` and ``E_high`` are the floor of the law with a
    floor, and its limits.
    """
    ends = ("", "_low", "_high", "_all_low", "_all_high")
    forms = dict.fromkeys(form for fit in fits.fits for form in accepted_laws(fit))
    columns = {f"{form}{end}": np.full(len(means), np.nan) for form in forms for end in ends}
    groups, x = np.array(means["group"].to_pylist()), means[fits.x].to_numpy().astype(float)
    for label, fit in fits.by_label.items():
        in_curve = groups == label
        x_curve = x[in_curve]
        for form, law in accepted_laws(fit).items():
            curves = (law.predict(x_curve), *law.band(x_curve), *law.band(x_curve, simultaneous=True))
            for end, curve in zip(ends, curves, strict=True):
                columns[f"{form}{end}"][in_curve] = curve
            if form == FLOOR.name:
                floor = law.parameters["floor"]
                for name, value in (("E", floor.estimate), ("E_low", floor.low), ("E_high", floor.high)):
                    columns.setdefault(name, np.full(len(means), np.nan))[in_curve] = value
    for name, values in columns.items():
        means = means.append_column(name, pa.array(values, pa.float64(), from_pandas=True))
    return means
