"""Where errors are least along an axis: table, sentences and figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isclose
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from analysis import style
from analysis.error_figure import draw_runs
from analysis.formatting import format_count, format_interval, format_test_set, format_training
from analysis.laws_text import COLORS
from analysis.means import t_half_width
from analysis.report_figure import ReportFigure
from scaling.fit import Interval, Status
from scaling.fit.optimum import Optimum

GREY = "#555555"
AXES = {"ratio": "d2/d1, filters of the second convolution over those of the first"}
"""Titles of axes that have another one than their name."""


@dataclass(frozen=True, kw_only=True)
class SizeDepthRatio:
    """A ratio that keeps sqrt(size) x depth the same, beside what was found."""

    maps: str
    """``unpooled`` or ``pooled``, or both."""
    ratio: float
    inside: bool
    """Whether the interval of the lowest place holds it."""
    relative_to_minimum: Interval
    """The error there over the least."""


@dataclass(frozen=True, kw_only=True)
class StudyOptimum:
    """One lowest place a curve."""

    x: str
    title: str
    """The data set."""
    optima: tuple[Optimum, ...]
    conserving: Mapping[str, Mapping[str, float]]
    """By curve, the ratios that keep sqrt(size) x depth the same, by the maps that are meant."""
    costs: Mapping[str, str]
    """By curve, MACs and parameters of its networks in words."""
    refused: tuple[str, ...]
    """Why other curves have none."""
    runs: pa.Table

    def beside(self, found: Optimum) -> list[SizeDepthRatio]:
        """Equal ratios of several maps once."""
        merged: list[tuple[str, float]] = []
        for maps, ratio in self.conserving.get(found.label, {}).items():
            same = next((nth for nth, (_, other) in enumerate(merged) if isclose(ratio, other)), None)
            if same is None:
                merged.append((maps, ratio))
            else:
                merged[same] = f"{merged[same][0]} and {maps}", merged[same][1]
        inside = found.x_opt.low, found.x_opt.high
        return [
            SizeDepthRatio(
                maps=maps,
                ratio=ratio,
                inside=inside[0] <= ratio <= inside[1],
                relative_to_minimum=found.relative_to_minimum(ratio),
            )
            for maps, ratio in merged
        ]

    def to_dict(self) -> list[dict[str, Any]]:
        """For JSON."""
        return [
            each.to_dict()
            | {
                "conserving": [
                    {**vars(one), "relative_to_minimum": vars(one.relative_to_minimum)}
                    for one in self.beside(each)
                ]
            }
            for each in self.optima
        ]


def render_optima(made: StudyOptimum) -> Group:
    """For the terminal."""
    table = Table(
        title=f"{made.x} of the least error",
        caption="; ".join(sorted({each.estimand for each in made.optima})) + "; 95 % intervals",
    )
    for name in (
        "curve",
        f"{made.x} of the least error",
        "least error",
        "curvature",
        "values",
        "runs",
        "status",
    ):
        table.add_column(name, justify="right" if name in ("values", "runs") else "left")
    for each in made.optima:
        status = f"[{COLORS[each.status]}]{each.status}[/]" + (
            f": {escape(each.reason)}" if each.reason else ""
        )
        refused = each.status is Status.REJECTED
        shown = ("–", "–") if refused else (format_interval(each.x_opt), _least(each))
        table.add_row(
            escape(each.label), *map(escape, (*shown, format_interval(each.curvature))), *_sizes(each), status
        )
    notes = [f"{each.label}: {note}" for each in made.optima for note in each.notes]
    return Group(
        table, *map(Text, (*(describe_optimum(made, each) for each in made.optima), *made.refused, *notes))
    )


def describe_optimum(made: StudyOptimum, found: Optimum) -> str:
    """What was found, with its n."""
    x, points = found.points.x_name, found.points
    n = f"{format_count(len(points.y), 'run')} at {len(points.widths)} values"
    if found.status is Status.REJECTED:
        said = f"{found.label}: no {x} of the least error can be told ({found.reason}; {n})"
    else:
        doubt = f"; {found.status}: {found.reason}" if found.reason else ""
        said = f"{found.label}: the {found.estimand}, lies at {x} {format_interval(found.x_opt)} ({n}{doubt})"
    for one in made.beside(found):
        said += f"; sqrt(size) x depth = constant asks for {one.ratio:.3g} ({one.maps} maps)"
        if found.status is not Status.REJECTED:
            where = "inside" if one.inside else "outside"
            said += f", {where} the interval: there the error is {format_interval(one.relative_to_minimum)} times the least"
    return f"{said}; these networks have {made.costs[found.label]}."


def draw_optima(made: StudyOptimum) -> ReportFigure:
    """Runs, means, parabolas with their bands, lowest places with their intervals, and what conservation asks for."""
    count = len(made.optima)
    figure = Figure(figsize=(style.WIDTH, 3.0 + 0.18 * (count + 2)))
    title = AXES.get(made.x, made.x.replace("_", " "))
    axes = figure.add_subplot(
        xscale="log", yscale="log", xlabel=title, ylabel=made.optima[0].points.y_name.replace("_", " ")
    )
    axes.set_title(f"{format_test_set(made.runs, made.title)},\n{format_training(made.runs)}")
    handles: list[Line2D | Patch] = []
    lines: dict[float, str] = {}
    for index, each in enumerate(made.optima):
        look, x = style.curve_style(index), np.geomspace(each.points.widths[0], each.points.widths[-1], 200)
        order = np.argsort(each.points.x, kind="stable")
        draw_runs(axes, each.points.x[order], each.points.y[order], look.color)
        axes.plot(each.points.widths, each.points.means, look.marker, color=look.color, zorder=4)
        axes.fill_between(x, *each.band(x), color=look.color, alpha=0.15, lw=0)
        axes.plot(x, each.predict(x), color=look.color, zorder=3)
        told = "refused"
        if each.status is not Status.REJECTED:
            told = f"least at {format_interval(each.x_opt)}"
            low, high = np.clip([each.x_opt.low, each.x_opt.high], x[0], x[-1])
            axes.axvspan(low, high, color=look.color, alpha=0.1, lw=0, zorder=0)
            axes.axvline(each.x_opt.estimate, color=look.color, lw=1)
        lines |= {one.ratio: one.maps for one in made.beside(each)}
        handles.append(
            Line2D(
                [],
                [],
                color=look.color,
                marker=look.marker,
                label=f"{each.label}: {told}, {format_count(len(each.points.y), 'run')}",
            )
        )
    for ratio, maps in lines.items():
        axes.axvline(ratio, color=GREY, ls="--", lw=1)
        handles.append(
            Line2D(
                [],
                [],
                color=GREY,
                ls="--",
                lw=1,
                label=f"sqrt(size) x depth = constant: {ratio:.3g} ({maps} maps)",
            )
        )
    handles.append(
        Patch(
            color=GREY, alpha=0.2, lw=0, label="95 % interval of the lowest place, and band of the parabola"
        )
    )
    figure.legend(handles=handles, loc="outside lower left")
    values = sorted({float(x) for each in made.optima for x in each.points.widths})
    if all(value.is_integer() for value in values):
        style.label_values(axes, values, gap=0.07)
    else:
        style.label_log_axis(axes.xaxis, style.number_ticks(), gap=0.07)
    style.label_log_axis(axes.yaxis, style.percent_ticks(), gap=0.06)
    return ReportFigure(
        name=f"optimum_of_{made.x.replace('.', '_')}",
        heading=f"Where the error is least along {made.x}",
        caption=" ".join(describe_optimum(made, each) for each in made.optima)
        + f" After {format_training(made.runs)}. Faint points are single runs, "
        "markers means over seeds; the parabola is fitted to the logarithms of the means.",
        figure=figure,
        numbers=pa.Table.from_pylist([row for each in made.optima for row in _rows(each)]),
    )


def _rows(each: Optimum) -> list[dict[str, Any]]:
    points, (low, high) = each.points, each.band(each.points.widths)
    half = t_half_width(points.std, points.counts)
    columns = zip(
        points.widths, points.counts, points.means, half, each.predict(points.widths), low, high, strict=True
    )
    place = {"x_opt": each.x_opt.estimate, "x_opt_low": each.x_opt.low, "x_opt_high": each.x_opt.high}
    return [
        {"curve": each.label, points.x_name: float(x), "runs": int(runs), "mean": float(mean)}
        | {"low": float(mean - bar) if runs > 1 else None, "high": float(mean + bar) if runs > 1 else None}
        | {"fitted": float(fitted), "fitted_low": float(below), "fitted_high": float(above)}
        | place
        | {"status": each.status.value, "reason": each.reason}
        for x, runs, mean, bar, fitted, below, above in columns
    ]


def _least(each: Optimum) -> str:
    low, high = each.band(each.x_opt.estimate)
    value = Interval(estimate=float(each.predict(each.x_opt.estimate)), low=float(low), high=float(high))
    return (
        format_interval(value)
        if each.points.test_images is None
        else format_interval(value, unit=0.01) + " %"
    )


def _sizes(each: Optimum) -> tuple[str, str]:
    return str(len(each.points.widths)), str(len(each.points.y))
