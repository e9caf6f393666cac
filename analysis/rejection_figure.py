"""Figure of error-reject curves: the error among accepted images against the rejected share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis import style
from analysis.formatting import format_count
from analysis.rejection import StudyRejection, format_required, rejection_table
from analysis.report_figure import ReportFigure
from scaling.fit.rejection import RejectionCurve

_MIN_RANGE = 0.05
"""Rejected share that the horizontal axis reaches at least."""
_MARGIN = 1.25
"""Ratio of the end of an axis to the last value that has to be visible."""
_SHARE_LABEL = "Rejected images"


@dataclass(frozen=True)
class _Limits:
    """Ends of the axes, which all panels share."""

    share: float
    lowest_error: float
    highest_error: float


def draw_rejection(study: StudyRejection) -> ReportFigure:
    """Draw all networks in one panel, or a panel for each curve if a curve has several widths."""
    curves = list(dict.fromkeys(cell.curve for cell in study.cells))
    limits = _find_limits(study)
    draw = _draw_single_panel if len(curves) == len(study.cells) else _draw_panels
    return ReportFigure(
        name="error_against_rejection",
        heading="Error against the rejected share",
        caption=_caption(study),
        figure=draw(study, limits),
        numbers=rejection_table(study),
    )


def _caption(study: StudyRejection) -> str:
    runs = format_count(sum(cell.rejection.runs for cell in study.cells), "run")
    if study.has_intervals:
        shown = (
            "mean over seeds, with pointwise Student's 95 % intervals over runs as bands, from"
            f" {runs}. A marker on the line of {study.target} is the mean over seeds of the smallest rejected"
            " share with at most this error, with Student's 95 % interval."
        )
    else:
        shown = (
            f"{runs}, one for each network, without intervals. A marker on the line of {study.target} is the"
            " smallest rejected share with at most this error."
        )
    return (
        f"Error among the accepted images, on {study.title}: {shown} It is missing if a run never has so"
        " small an error. Images are rejected by rising margin, the difference between the two largest"
        " outputs; images with equal margins are rejected together. A curve ends where no run makes an error."
    )


def _draw_single_panel(study: StudyRejection, limits: _Limits) -> Figure:
    figure = Figure(figsize=style.figure_size(2.85, legend=0.18 * (len(study.cells) + 2)))
    axes = figure.add_subplot(title=study.title, xlabel=_SHARE_LABEL, ylabel="Error among accepted images")
    _set_scales(axes, study, limits)
    handles: list[Line2D | Patch] = []
    for index, cell in enumerate(study.cells):
        curve = style.curve_style(index)
        _draw_cell(axes, cell.rejection, color=curve.color, marker=curve.marker, limits=limits)
        runs = format_count(cell.rejection.runs, "run")
        required = f"{format_required(cell.rejection)} rejected"
        if cell.rejection.required.runs_never:
            required = f"{study.target} error not reached"
        text = f"{cell.curve}: {required}, {runs}"
        handles.append(style.legend_entry(text, color=curve.color, marker=curve.marker))
    handles += _shared_entries(study)
    figure.legend(handles=handles, loc="outside lower left")
    _label_axes(axes)
    return figure


def _draw_panels(study: StudyRejection, limits: _Limits) -> Figure:
    curves = list(dict.fromkeys(cell.curve for cell in study.cells))
    rows, columns = -(-len(curves) // style.PANEL_COLUMNS), min(style.PANEL_COLUMNS, len(curves))
    figure = Figure(figsize=style.figure_size(1.0 + 2.1 * rows))
    panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    colors = style.width_colors(cell.filters for cell in study.cells)
    for axes, curve in zip(panels.flat, curves, strict=False):
        axes.set(title=style.wrap_label(curve), xlabel=_SHARE_LABEL)
        axes.label_outer()
        _set_scales(axes, study, limits)
        for cell in (cell for cell in study.cells if cell.curve == curve):
            _draw_cell(axes, cell.rejection, color=colors[cell.filters], marker="o", limits=limits)
    for axes in panels.flat[len(curves) :]:
        axes.set_visible(False)
    _label_axes(panels[0, 0])
    figure.supylabel("Error among accepted images")
    figure.legend(
        handles=style.width_legend(colors), title="filters", loc="outside right center", handlelength=1
    )
    figure.legend(handles=_shared_entries(study), loc="outside lower left")
    return figure


def _find_limits(study: StudyRejection) -> _Limits:
    """Return ends of the axes that show every required share, and the curves up to there."""
    required = [
        end
        for cell in study.cells
        for end in (cell.rejection.required.share.estimate, cell.rejection.required.share.high)
        if isfinite(end)
    ]
    last_share = study.cells[0].rejection.shares[-1]
    # If no network reaches the target, the whole curves say how close they come.
    share = min(last_share, max(_MIN_RANGE, _MARGIN * max(required, default=last_share)))
    errors = [
        error
        for cell in study.cells
        for position, interval in zip(cell.rejection.shares, cell.rejection.errors, strict=True)
        if position <= share
        for error in (interval.estimate, interval.high)
        if error > 0
    ]
    # Below half an error in the test set, a mean over a few runs is noise.
    half_an_error = 0.5 / max(cell.rejection.test_images for cell in study.cells)
    return _Limits(
        share=share,
        lowest_error=min(study.target_error, max(half_an_error, min(errors, default=0))) / _MARGIN,
        highest_error=max([*errors, study.target_error]) * _MARGIN,
    )


def _set_scales(axes: Axes, study: StudyRejection, limits: _Limits) -> None:
    axes.set(
        yscale="log",
        xlim=(-0.01 * limits.share, limits.share),
        ylim=(limits.lowest_error, limits.highest_error),
    )
    axes.axhline(study.target_error, color=style.GREY, ls="--", lw=1, zorder=1)


def _label_axes(axes: Axes) -> None:
    axes.xaxis.set_major_formatter(style.percent_ticks())
    style.label_error_axis(axes, gap=0.07)


def _draw_cell(
    axes: Axes, rejection: RejectionCurve, *, color: str | style.Color, marker: str, limits: _Limits
) -> None:
    shares = np.array(rejection.shares)
    mean, low, high = (
        np.array([getattr(error, name) for error in rejection.errors]) for name in ("estimate", "low", "high")
    )
    # On a logarithmic axis, a band that reaches 0 extends beyond the end of the axis.
    axes.fill_between(shares, np.maximum(low, limits.lowest_error / 2), high, color=color, alpha=0.15, lw=0)
    axes.plot(shares, style.positive_or_nan(mean), color=color, lw=1.2)
    required = rejection.required
    if isfinite(required.share.estimate):
        ends = (required.share.low, required.share.high)
        axes.plot(ends, [required.target_error] * 2, color=color, lw=2.4, alpha=0.6, solid_capstyle="butt")
        axes.plot(
            required.share.estimate, required.target_error, marker, color=color, zorder=5, clip_on=False
        )


def _shared_entries(study: StudyRejection) -> Sequence[Line2D | Patch]:
    label = f"rejection needed for {study.target} error"
    if study.has_intervals:
        label += ", with 95 % interval over seeds"
    entries: list[Line2D | Patch] = [style.legend_entry(label, color=style.GREY, marker="o", ls="--", lw=1)]
    if study.has_intervals:
        entries.append(
            Patch(color=style.GREY, alpha=0.2, lw=0, label="95 % interval of the error over seeds")
        )
    return entries
