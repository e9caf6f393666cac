"""How every figure looks: one palette, one marker a curve, axes that print plain numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

WIDTH = 4.4
"""Inches. Set to a column of 3.4, the smallest letters are 5.6 points high."""

STYLE = {
    "font.size": 8.5,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.8,
    "lines.markeredgecolor": "white",
    "lines.markeredgewidth": 0.6,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 240,
    # Letters as outlines: the same on every machine. The salt makes ids, and so the file, the same each time.
    "svg.fonttype": "path",
    "svg.hashsalt": "scaling",
}

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe & Ito's, told apart by colour-blind readers; without their yellow, which is faint on white."""
MARKERS = ("o", "s", "^", "D", "v", "P")

MANTISSAS = (
    (1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9),
    (1, 1.5, 2, 3, 4, 5, 7),
    (1, 2, 3, 5),
    (1, 2, 5),
    (1, 3),
    (1,),
)
"""Round numbers for a logarithmic axis, from fine to coarse."""


class CurveStyle(NamedTuple):
    """How one curve is drawn in every figure."""

    color: str
    marker: str


def look(index: int) -> CurveStyle:
    """The look of the index-th curve; 42 of them differ."""
    return CurveStyle(PALETTE[index % len(PALETTE)], MARKERS[index % len(MARKERS)])


def percent_tick(value: float, _: object = None) -> str:
    """``2.5 %`` of 0.025."""
    return f"{100 * value:.4g} %"


def metric_tick(value: float, _: object = None) -> str:
    """``200k`` of 200,000."""
    for size, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.4g}{letter}"
    return f"{value:.4g}"


def log_ticks(axis: Axis, words: Callable[[float, object], str], *, gap: float) -> None:
    """Label a logarithmic axis with round numbers, as many as stand apart; call it when the limits are final.

    Args:
        axis: an x or y axis.
        words: a number as text.
        gap: the least distance of two labels, as a share of the axis.
    """
    low, high = sorted(axis.get_view_interval())
    span = np.log10(high / low)
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for mantissas in MANTISSAS:
        ticks = np.outer(decades, mantissas).ravel()
        ticks = ticks[(ticks >= low) & (ticks <= high)]
        if len(ticks) < 2 or np.diff(np.log10(ticks)).min() >= gap * span:
            break
    if len(ticks) < 3:
        # Less than about a factor of 1.5: no three round numbers, so steps as on a linear axis.
        ticks = np.asarray(MaxNLocator(min(5, int(1 / gap))).tick_values(low, high))
    place_ticks(axis, ticks[(ticks >= low) & (ticks <= high)], words)


def width_ticks(axes: Axes, widths: Iterable[float], *, gap: float = 0.045) -> None:
    """Label a logarithmic x axis with the widths that were trained, leaving out labels that would touch."""
    low, high = np.log10(axes.get_xlim())
    kept: list[float] = []
    for width in sorted(widths, reverse=True):
        if not kept or np.log10(kept[-1] / width) >= gap * (high - low):
            kept.append(width)
    place_ticks(axes.xaxis, kept, metric_tick)


def place_ticks(axis: Axis, ticks: Iterable[float], words: Callable[[float, object], str]) -> None:
    """Exactly these ticks, and no minor ones."""
    axis.set_major_locator(FixedLocator(list(ticks)))
    axis.set_major_formatter(FuncFormatter(words))
    axis.set_minor_locator(NullLocator())
