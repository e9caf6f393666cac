"""How every figure looks: one palette, one marker a curve, axes that print plain numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import (
    EngFormatter,
    FixedLocator,
    Formatter,
    MaxNLocator,
    NullLocator,
    PercentFormatter,
    StrMethodFormatter,
)

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


def curve_style(index: int) -> CurveStyle:
    """The look of the index-th curve; 42 of them differ."""
    return CurveStyle(PALETTE[index % len(PALETTE)], MARKERS[index % len(MARKERS)])


class _PercentTicks(PercentFormatter):
    """Print each tick with its own number of digits, because a logarithmic axis spans several decades."""

    def format_pct(self, x: float, display_range: float) -> str:
        return f"{self.convert_to_pct(x):.4g}{self.symbol}"


def percent_ticks() -> PercentFormatter:
    """Return the tick format of fractions: 0.025 is ``2.5 %``."""
    return _PercentTicks(xmax=1, symbol=" %")


def amount_ticks(unit: str = "") -> EngFormatter:
    """Return the tick format of large amounts: 200,000 is ``200k``, and 2,000 with the unit s is ``2 ks``."""
    return EngFormatter(unit, sep=" " if unit else "")


def number_ticks() -> Formatter:
    """Return the tick format of plain numbers, which may lie below 1: ``0.05``."""
    return StrMethodFormatter("{x:.4g}")


def label_log_axis(axis: Axis, formatter: Formatter, *, gap: float) -> None:
    """Label a logarithmic axis with as many round numbers as fit; call it when the limits are final.

    Args:
        axis: an x or y axis.
        formatter: prints the numbers.
        gap: smallest distance between two labels, as a fraction of the axis.
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
        # The axis spans less than a factor of about 1.5, which holds fewer than three round numbers.
        ticks = np.asarray(MaxNLocator(min(5, int(1 / gap))).tick_values(low, high))
    fix_ticks(axis, ticks[(ticks >= low) & (ticks <= high)], formatter)


def label_values(
    axes: Axes, values: Iterable[float], formatter: Formatter | None = None, *, gap: float = 0.045
) -> None:
    """Label a logarithmic x axis with given values, such as the trained widths, and omit labels that would overlap.

    Args:
        axes: the panel.
        values: candidates; the largest one always has a label.
        formatter: prints the numbers; by default as amounts.
        gap: smallest distance between two labels, as a fraction of the axis.
    """
    low, high = np.log10(axes.get_xlim())
    labelled: list[float] = []
    for value in sorted(values, reverse=True):
        if not labelled or np.log10(labelled[-1] / value) >= gap * (high - low):
            labelled.append(value)
    fix_ticks(axes.xaxis, labelled, formatter or amount_ticks())


def fix_ticks(axis: Axis, ticks: Iterable[float], formatter: Formatter) -> None:
    """Set exactly these major ticks, and no minor ticks."""
    axis.set_major_locator(FixedLocator(list(ticks)))
    axis.set_major_formatter(formatter)
    axis.set_minor_locator(NullLocator())
