"""Error against filters, parameters or multiply-adds: every run, the means and the laws through them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis import style
from analysis.formatting import format_count, format_interval, format_test_set
from analysis.laws import CurveFits, accepted_laws
from analysis.report_figure import ReportFigure
from analysis.run_groups import GroupedRuns
from scaling.fit import Law, Status

JITTER = 0.018
"""Decades by which the outermost seeds are shifted, unless the widths lie closer."""


@dataclass(frozen=True)
class FigureAxis:
    """What a law is drawn along."""

    column: str
    heading: str
    title: str


FILTERS_AXIS = FigureAxis("filters", "filters", "filters of the first convolution")
PARAMETERS_AXIS = FigureAxis("parameters", "parameters", "parameters")
MACS_AXIS = FigureAxis("macs", "multiply-adds", "multiply-adds in a forward pass of one image")


def draw_error_figure(
    grouped: GroupedRuns, means: pa.Table, laws: CurveFits, axis: FigureAxis
) -> ReportFigure:
    """Error along one axis, log-log.

    Args:
        grouped: the runs.
        means: their means over seeds.
        laws: fitted along the same axis.
        axis: which.
    """
    figure = Figure(figsize=(style.WIDTH, 2.85 + 0.18 * len(grouped.labels)))
    axes = figure.add_subplot(
        xscale="log",
        yscale="log",
        title=format_test_set(grouped.runs, grouped.title),
        xlabel=axis.title,
        ylabel="test error",
    )
    handles = []
    for index, label in enumerate(grouped.labels):
        look = style.curve_style(index)
        runs, rows = grouped.of(label), means.filter(pc.field("group") == label)
        draw_runs(axes, runs[axis.column].to_numpy(), runs["test_error"].to_numpy(), look.color)
        axes.plot(rows[axis.column], rows["mean_error"], look.marker, color=look.color, zorder=4)
        if fitted := accepted_laws(laws.fits.get(label)):
            _curves(axes, fitted, rows[axis.column].to_numpy(), look.color)
        handles.append(
            Line2D([], [], color=look.color, marker=look.marker, label=_legend(label, laws, len(runs)))
        )
    handles.append(Line2D([], [], color="#555555", label="power law $A\\,x^{-\\rho}$ with its 95 % band"))
    handles.append(Line2D([], [], color="#555555", ls="--", lw=1, label="with a floor, $A\\,x^{-\\rho} + E$"))
    if any("broken" in accepted_laws(fit) for fit in laws.fits.values()):
        handles.append(Line2D([], [], color="#555555", ls=":", lw=1.4, label="with a bend"))
    figure.legend(handles=handles, loc="outside lower left")
    if axis not in (PARAMETERS_AXIS, MACS_AXIS):
        style.label_values(axes, pc.unique(means[axis.column]).to_pylist())
    else:
        style.label_log_axis(axes.xaxis, style.amount_ticks(), gap=0.09)
    style.label_log_axis(axes.yaxis, style.percent_ticks(), gap=0.06)
    return ReportFigure(
        name=f"error_against_{axis.column}",
        heading=f"Error against {axis.heading}",
        caption=_caption(grouped, laws, axis),
        figure=figure,
        numbers=_numbers(means, laws),
    )


def draw_runs(axes: Axes, x: np.ndarray, error: np.ndarray, color: str) -> None:
    """Every run, the seeds of a width side by side."""
    widths, first, width, runs = np.unique(x, return_index=True, return_inverse=True, return_counts=True)
    apart = np.diff(np.log10(widths)).min(initial=1.0)
    rank = (np.arange(len(x)) - first[width]) / np.maximum(runs[width] - 1, 1)
    shift = min(JITTER, apart / 4) * np.where(runs[width] > 1, 2 * rank - 1, 0)
    drawn = error > 0
    # Thousands of outlines would make a page of many megabytes.
    axes.scatter(
        (x * 10**shift)[drawn],
        error[drawn],
        s=7,
        color=color,
        alpha=0.35,
        lw=0,
        zorder=2,
        rasterized=len(x) > 2000,
    )


def _curves(axes: Axes, laws: dict[str, Law], widths: np.ndarray, color: str) -> None:
    x = np.geomspace(widths.min(), widths.max(), 120)
    if power := laws.get("power"):
        axes.fill_between(x, *power.band(x), color=color, alpha=0.15, lw=0)
        axes.plot(x, power.predict(x), color=color, zorder=3)
    if floor := laws.get("floor"):
        if floor.status is Status.USABLE:
            axes.fill_between(x, *floor.band(x), color=color, alpha=0.08, lw=0)
        axes.plot(x, floor.predict(x), color=color, ls="--", lw=1, zorder=3)
    if broken := laws.get("broken"):
        axes.plot(x, broken.predict(x), color=color, ls=":", lw=1.4, zorder=3)


def _legend(label: str, laws: CurveFits, runs: int) -> str:
    power = accepted_laws(laws.fits.get(label)).get("power")
    exponent = f"$\\rho$ = {format_interval(power.parameters['exponent'])}" if power else "no power law"
    return f"{label}: {exponent}, {format_count(runs, 'run')}"


def _caption(grouped: GroupedRuns, laws: CurveFits, axis: FigureAxis) -> str:
    estimands = {fit.estimand for fit in laws.fits.values()}
    estimand = "; ".join(sorted(estimands)) or "mean error over seeds, on this test set"
    zero = pc.sum(pc.equal(grouped.runs["test_error"], 0)).as_py() or 0
    hidden = (
        f" {format_count(zero, 'run')} without any error can't be drawn on this scale; the means count them."
        if zero
        else ""
    )
    return (
        f"{estimand[0].upper()}{estimand[1:]} (the {format_test_set(grouped.runs, grouped.title)}), against {axis.title}: "
        f"{format_count(len(grouped.runs), 'run')}. Faint points are single runs, shifted sideways so that all are seen; markers are means over "
        f"seeds; ρ is the exponent of the power law, with its 95 % interval.{hidden}"
    )


def _numbers(means: pa.Table, laws: CurveFits) -> pa.Table:
    """The means with the laws beside them; ``power_low`` is of the band at each x by itself, ``power_all_low`` of that of the whole curve."""
    names = ("power", "power_low", "power_high", "power_all_low", "power_all_high", "floor")
    columns = {name: np.full(len(means), np.nan) for name in names}
    groups, x = np.array(means["group"].to_pylist()), means[laws.x].to_numpy().astype(float)
    for label, fit in laws.fits.items():
        mine, fitted = groups == label, accepted_laws(fit)
        if power := fitted.get("power"):
            curves = (power.predict(x[mine]), *power.band(x[mine]), *power.band(x[mine], simultaneous=True))
            for name, curve in zip(names, curves, strict=False):
                columns[name][mine] = curve
        if floor := fitted.get("floor"):
            columns["floor"][mine] = floor.predict(x[mine])
    for name, values in columns.items():
        means = means.append_column(name, pa.array(values, pa.float64(), from_pandas=True))
    return means
