"""Figure of the test error against horizontal and vertical shifts of the test images."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis import style
from analysis.formatting import format_count
from analysis.report_figure import ReportFigure
from analysis.shifts import CellShifts, StudyShifts, shift_table
from scaling.datasets import Shift


def draw_shifts(study: StudyShifts) -> ReportFigure:
    """Draw the error of each network against horizontal shifts, and against vertical shifts."""
    figure = Figure(figsize=style.figure_size(2.9, legend=0.18 * len(study.cells)))
    horizontal, vertical = figure.subplots(1, 2, sharey=True)
    horizontal.set(xlabel="Shift to the right, px", ylabel="Test error", title="horizontal")
    vertical.set(xlabel="Shift downwards, px", title="vertical")
    handles: list[Line2D | Patch] = []
    steps = range(-study.largest, study.largest + 1)
    for index, cell in enumerate(study.cells):
        curve = style.curve_style(index)
        _draw_cell(horizontal, cell, [Shift(right=step, down=0) for step in steps], curve=curve)
        _draw_cell(vertical, cell, [Shift(right=0, down=step) for step in steps], curve=curve)
        text = f"{cell.label}: {format_count(cell.runs, 'run')}"
        handles.append(style.legend_entry(text, color=curve.color, marker=curve.marker))
    if study.has_intervals:
        handles.append(Patch(color=style.GREY, alpha=0.2, lw=0, label="95 % interval over seeds"))
    for axes in (horizontal, vertical):
        axes.set_xticks(list(steps))
    horizontal.set_ylim(bottom=0)
    horizontal.yaxis.set_major_formatter(style.percent_ticks())
    figure.suptitle(study.title, x=0.01, ha="left", fontsize=9, weight="bold")
    figure.legend(handles=handles, loc="outside lower left")
    runs = format_count(sum(cell.runs for cell in study.cells), "run")
    shown = f"{runs}, one for each network, without intervals."
    if study.has_intervals:
        shown = f"mean over seeds, with pointwise Student's 95 % intervals over runs as bands, from {runs}."
    return ReportFigure(
        name="error_against_shift",
        heading="Error against shifts of the test images",
        caption=(
            f"Test error on {study.title}, with all images shifted horizontally (left) or vertically (right):"
            f" {shown} Pixels that are shifted in have the value 0, the background of digits, and pixels"
            " that are shifted out are lost. The CSV file has all combinations of both shifts."
            f"{study.omissions}"
        ),
        figure=figure,
        numbers=shift_table(study),
    )


def _draw_cell(axes: Axes, cell: CellShifts, shifts: list[Shift], *, curve: style.CurveStyle) -> None:
    x = [shift.right + shift.down for shift in shifts]
    means = [cell.means[shift] for shift in shifts]
    low, high = np.array([(mean.low, mean.high) for mean in means]).T
    axes.fill_between(x, low, high, color=curve.color, alpha=0.15, lw=0)
    axes.plot(x, [mean.estimate for mean in means], f"{curve.marker}-", color=curve.color)
