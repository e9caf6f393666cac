"""Figure of the error along an axis, with the setting that has the lowest error."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis import style
from analysis.error_figure import draw_runs
from analysis.formatting import format_count, format_interval
from analysis.means import t_half_width
from analysis.optimum import StudyOptimum, describe_optimum
from analysis.report_figure import ReportFigure
from scaling.architectures import derived_widths
from scaling.fit import Status
from scaling.fit.optimum import Optimum


def draw_optima(study: StudyOptimum) -> ReportFigure:
    """Draw runs, means, fitted curves, optima with intervals, and the ratios of the size-depth rule."""
    descriptions = {width.ratio: width.description for width in derived_widths()}
    figure = Figure(figsize=style.figure_size(3.0, legend=0.18 * (len(study.optima) + 2)))
    axes = figure.add_subplot(
        xscale="log",
        yscale="log",
        xlabel=descriptions.get(study.x, _axis_label(study.x)),
        ylabel=_axis_label(study.optima[0].points.y_name),
        title=f"{study.title},\n{study.training}" if study.training else study.title,
    )
    handles: list[Line2D | Patch] = [
        _draw_optimum(axes, optimum, curve=style.curve_style(index))
        for index, optimum in enumerate(study.optima)
    ]
    handles += _draw_size_depth_ratios(axes, study)
    handles.append(
        Patch(color=style.GREY, alpha=0.2, lw=0, label="95 % interval of the optimum, and band of the curve")
    )
    figure.legend(handles=handles, loc="outside lower left")
    values = sorted({float(x) for optimum in study.optima for x in optimum.points.widths})
    if all(value.is_integer() for value in values):
        style.label_values(axes, values, gap=0.07)
    else:
        style.label_log_axis(axes.xaxis, style.number_ticks(), gap=0.07)
    style.label_error_axis(axes, gap=0.06)
    sentences = " ".join(describe_optimum(study, optimum) for optimum in study.optima)
    trained = f" Trained for {study.training}." if study.training else ""
    return ReportFigure(
        name=f"optimum_of_{re.sub(r'[^A-Za-z0-9_-]', '_', study.x)}",
        heading=f"Lowest error along {study.x}",
        caption=(
            f"{sentences}{trained} Each faint point is one run, each marker a mean over seeds. The curve is a"
            " falling and a rising power law over a floor."
        ),
        figure=figure,
        numbers=pa.Table.from_pylist([row for optimum in study.optima for row in _rows(optimum)]),
    )


def _axis_label(column: str) -> str:
    return column.replace("_", " ").capitalize()


def _draw_optimum(axes: Axes, optimum: Optimum, *, curve: style.CurveStyle) -> Line2D:
    """Draw one curve and its optimum, and return the legend entry."""
    points = optimum.points
    x = np.geomspace(points.widths[0], points.widths[-1], 200)
    by_x = np.argsort(points.x, kind="stable")
    draw_runs(axes, points.x[by_x], error=points.y[by_x], color=curve.color)
    axes.plot(points.widths, points.means, curve.marker, color=curve.color, zorder=4)
    low, high = optimum.band(x)
    style.draw_band(axes, x, low=low, high=high, color=curve.color)
    axes.plot(x, optimum.predict(x), color=curve.color, zorder=3)
    position = "optimum rejected"
    if optimum.status is not Status.REJECTED:
        position = f"optimum at {format_interval(optimum.x_opt)}"
        low, high = np.clip([optimum.x_opt.low, optimum.x_opt.high], x[0], x[-1])
        axes.axvspan(low, high, color=curve.color, alpha=0.1, lw=0, zorder=0)
        axes.axvline(optimum.x_opt.estimate, color=curve.color, lw=1)
    text = f"{optimum.label}: {position}, {format_count(len(points.y), 'run')}"
    return style.legend_entry(text, color=curve.color, marker=curve.marker)


def _draw_size_depth_ratios(axes: Axes, study: StudyOptimum) -> list[Line2D]:
    """Draw a line at each ratio of the size-depth rule, and return the legend entries."""
    lines = {
        ratio.ratio: ratio.maps for optimum in study.optima for ratio in study.compare_size_depth(optimum)
    }
    handles = []
    for ratio, maps in lines.items():
        axes.axvline(ratio, color=style.GREY, ls="--", lw=1)
        text = f"sqrt(size) x depth = constant: {ratio:.3g} ({maps} maps)"
        handles.append(style.legend_entry(text, color=style.GREY, ls="--", lw=1))
    return handles


def _rows(optimum: Optimum) -> list[dict[str, Any]]:
    """Return one row for each value of x: mean, its interval, and the fitted curve."""
    points, (low, high) = optimum.points, optimum.band(optimum.points.widths)
    half = t_half_width(points.std, points.counts)
    fitted = optimum.predict(points.widths)
    columns = zip(points.widths, points.counts, points.means, half, fitted, low, high, strict=True)
    return [
        {
            "curve": optimum.label,
            points.x_name: float(x),
            "runs": int(runs),
            "mean": float(mean),
            "low": float(mean - bar) if runs > 1 else None,
            "high": float(mean + bar) if runs > 1 else None,
            "fitted": float(fitted_mean),
            "fitted_low": float(fitted_low),
            "fitted_high": float(fitted_high),
            "x_opt": optimum.x_opt.estimate,
            "x_opt_low": optimum.x_opt.low,
            "x_opt_high": optimum.x_opt.high,
            "status": optimum.status.value,
            "reason": optimum.reason,
        }
        for x, runs, mean, bar, fitted_mean, fitted_low, fitted_high in columns
    ]
