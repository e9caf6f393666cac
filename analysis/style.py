"""Appearance of all figures: palette, markers, tick labels, legend entries."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import sqrt
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib import colormaps, rcParams
from matplotlib import style as matplotlib_style
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import ListedColormap, LogNorm, to_rgb
from matplotlib.lines import Line2D
from matplotlib.ticker import (
    EngFormatter,
    FixedLocator,
    Formatter,
    MaxNLocator,
    NullLocator,
    PercentFormatter,
    StrMethodFormatter,
)

from analysis.figure_options import WIDTH, FigureOptions

_LETTERS = {
    "font.size": 8.5,
    "axes.titlesize": 9,
    "figure.labelsize": 8.5,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "legend.fontsize": 7.5,
}
"""Sizes of letters in points."""
_LEAST_LETTERS = 7.0
"""Size of the smallest letters of a narrow figure, in points."""
_MATH_FONTS = {"rm": "", "it": ":italic", "bf": ":bold", "cal": "", "sf": "", "tt": ""}
"""Variants of a family for the alphabets of formulas."""
_PAPER_DPI = 300
"""Dots per inch of pixels in a figure for a paper."""
_STYLE = {
    **_LETTERS,
    "figure.figsize": (WIDTH, 0.75 * WIDTH),
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "legend.frameon": False,
    "lines.linewidth": 1.3,
    "lines.markersize": 4.8,
    "lines.markeredgecolor": "white",
    "lines.markeredgewidth": 0.6,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 240,
    # Letters are outlines, which look the same on every machine. A fixed salt makes the ids reproducible.
    "svg.fonttype": "path",
    "svg.hashsalt": "scaling",
    "pdf.fonttype": 42,
}

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colours of Okabe & Ito, safe for colour-blind readers; without their yellow, which is faint on white."""
GREY = "#555555"
"""Colour of legend entries and lines that belong to no single curve."""
PANEL_COLUMNS = 2
"""Number of panels side by side."""

_MARKERS = ("o", "s", "^", "D", "v", "P")
_PANEL_TITLE_LETTERS = 22
"""Number of letters in a line of a panel's title."""
_MAX_TEXT_LUMINANCE = 1.05 / 4.5 - 0.05
"""Luminance of letters whose contrast to white is 4.5, the least for small letters by WCAG 2.2."""
_WIDTH_COLORMAP = ListedColormap(colormaps["viridis_r"](np.linspace(0.12, 1, 256)))
"""Colours from narrow to wide networks, without the yellow that is faint on white."""
_RANGE_WITHOUT_ERRORS = (0.001, 1.0)
"""Range of a logarithmic axis on which there is no error above 0."""
_MANTISSAS = (
    (1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9),
    (1, 1.5, 2, 3, 4, 5, 7),
    (1, 2, 3, 5),
    (1, 2, 5),
    (1, 3),
    (1,),
)
"""Round numbers for a logarithmic axis, from fine to coarse."""

Color = tuple[float, float, float, float]
"""Red, green, blue and opacity, each from 0 to 1."""


@dataclass(frozen=True)
class CurveStyle:
    """Colour and marker of one curve in every figure."""

    color: str
    marker: str


def figure_style(options: FigureOptions | None = None, /, **settings: Any) -> AbstractContextManager[None]:
    """Apply the project's style while figures are drawn and saved.

    Args:
        options: width and font of the figures; by default those of a page.
        settings: further settings of matplotlib, which take precedence.
    """
    # Matplotlib's defaults come first, so that a user's matplotlibrc changes no figure.
    return matplotlib_style.context(["default", _STYLE, _paper_style(options or FigureOptions()), settings])


def _paper_style(options: FigureOptions) -> dict[str, Any]:
    """Return the settings in which the figures of a paper differ from those of a page."""
    if options.are_default:
        return {}
    smallest = min(_LETTERS.values())
    scale = max(min(options.width / WIDTH, 1.0), _LEAST_LETTERS / smallest)
    style: dict[str, Any] = {name: scale * size for name, size in _LETTERS.items()}
    style |= {
        "figure.figsize": (options.width, 0.75 * options.width),
        "svg.fonttype": "none",
        "savefig.dpi": _PAPER_DPI,
    }
    if options.font:
        # The second family has the signs that the first lacks.
        style |= {"font.family": [options.font, "DejaVu Sans"], "mathtext.fontset": "custom"}
        family = re.sub(
            r"[-:,\\]", r"\\\g<0>", options.font
        )  # these signs have a meaning in a pattern of a font
        style |= {f"mathtext.{name}": family + kind for name, kind in _MATH_FONTS.items()}
    return style


def letter_scale() -> float:
    """Size of the letters of the figures that are drawn now, relative to those of a page."""
    return float(rcParams["font.size"] / _LETTERS["font.size"])


def width() -> float:
    """Width of the figures that are drawn now, in inches."""
    return float(rcParams["figure.figsize"][0])


def width_scale() -> float:
    """Width of the figures that are drawn now, relative to those of a page."""
    return width() / WIDTH


def figure_size(height: float, *, legend: float = 0.0) -> tuple[float, float]:
    """Return the width and the height of a new figure in inches.

    The height grows with the square root of the width, because letters keep their size.

    Args:
        height: height in a page, without the entries of a legend below the panels.
        legend: height of these entries in a page.
    """
    return width(), height * sqrt(width_scale()) + legend * letter_scale()


def curve_style(index: int) -> CurveStyle:
    """Return the style of the index-th curve; the first 42 styles are distinct."""
    return CurveStyle(PALETTE[index % len(PALETTE)], _MARKERS[index % len(_MARKERS)])


def text_color(color: Color | str) -> tuple[float, float, float]:
    """Return the colour, darkened until letters of this colour are readable on white."""
    rgb = np.array(to_rgb(color))
    while _luminance(rgb) > _MAX_TEXT_LUMINANCE:
        rgb *= 0.95
    red, green, blue = rgb.tolist()
    return red, green, blue


def _luminance(rgb: np.ndarray) -> float:
    """Relative luminance of a colour by WCAG 2.2."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def width_colors(widths: Iterable[int]) -> dict[int, Color]:
    """Return a colour for each network width, by rising width and on a logarithmic scale."""
    ordered = sorted(set(widths))
    scale = LogNorm(ordered[0], max(ordered[-1], ordered[0] + 1))
    return {width: _WIDTH_COLORMAP(float(scale(width))) for width in ordered}


def width_legend(colors: dict[int, Color]) -> list[Line2D]:
    """Return legend entries for network widths, the widest last, as its line is usually the lowest."""
    return [legend_entry(str(width), color=colors[width]) for width in sorted(colors)]


def legend_entry(label: str, **line_style: Any) -> Line2D:
    """Return an entry for a legend, with properties of a matplotlib line."""
    return Line2D([], [], label=label, **line_style)


def draw_band(
    axes: Axes, x: np.ndarray, *, low: np.ndarray, high: np.ndarray, color: Any, alpha: float = 0.15
) -> None:
    """Draw the band of a law, which does not extend the axes: data and curves determine their limits.

    The band of a law with few data can span decades, beside which nothing else would be visible.

    Args:
        axes: the panel.
        x: sizes.
        low: lower limits at these sizes.
        high: upper limits.
        color: colour of the law.
        alpha: opacity.
    """
    limits = axes.dataLim.frozen()
    axes.fill_between(x, low, high, color=color, alpha=alpha, lw=0)
    axes.dataLim.set(limits)


def wrap_label(label: str) -> str:
    """Break the label of a curve between its parts, never inside a part."""
    parts = (part.replace(" ", "\N{NO-BREAK SPACE}") for part in label.split(", "))
    return fill(", ".join(parts), round(_PANEL_TITLE_LETTERS * width_scale() / letter_scale()))


def positive_or_nan(values: Any) -> np.ndarray:
    """Return numbers with NaN in place of those <= 0, which makes a gap on a logarithmic axis."""
    numbers = np.asarray(values, dtype=float)
    return np.where(numbers > 0, numbers, np.nan)


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
        gap: smallest distance between two labels in a page, as a fraction of the axis.
    """
    low, high = sorted(axis.get_view_interval())
    span, gap = np.log10(high / low), _scale_gap(gap, axis)
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    for mantissas in _MANTISSAS:
        ticks = np.outer(decades, mantissas).ravel()
        ticks = ticks[(ticks >= low) & (ticks <= high)]
        if len(ticks) < 2 or np.diff(np.log10(ticks)).min() >= gap * span:
            break
    if len(ticks) < 3:
        # The axis spans less than a factor of about 1.5, which holds fewer than three round numbers.
        ticks = np.asarray(MaxNLocator(min(5, int(1 / gap))).tick_values(low, high))
    fix_ticks(axis, ticks[(ticks >= low) & (ticks <= high)], formatter=formatter)


def _scale_gap(gap: float, axis: Axis) -> float:
    """Return the distance of labels in the figure that is drawn now, as a fraction of the axis."""
    length = width_scale() if axis is axis.axes.xaxis else sqrt(width_scale())
    return gap * letter_scale() / length


def label_error_axis(axes: Axes, *, gap: float) -> None:
    """Label a logarithmic y axis of errors as percentages; call it when everything is drawn.

    Panels without an error above 0 show a range of their own, because matplotlib's covers no errors.

    Args:
        axes: the panel; panels that share its y axis have the same labels.
        gap: smallest distance between two labels in a page, as a fraction of the axis.
    """
    panels = axes.get_shared_y_axes().get_siblings(axes)
    if not any(np.isfinite(panel.dataLim.intervaly).all() for panel in panels):
        axes.set_ylim(_RANGE_WITHOUT_ERRORS)
    label_log_axis(axes.yaxis, percent_ticks(), gap=gap)


def label_values(
    axes: Axes, values: Iterable[float], *, formatter: Formatter | None = None, gap: float = 0.045
) -> None:
    """Label a logarithmic x axis with given values, and omit labels that would overlap.

    Args:
        axes: the panel.
        values: such as the trained widths; the largest value always has a label.
        formatter: prints the numbers; by default as amounts.
        gap: smallest distance between two labels in a page, as a fraction of the axis.
    """
    low, high = np.log10(axes.get_xlim())
    gap = _scale_gap(gap, axes.xaxis)
    labelled: list[float] = []
    for value in sorted(values, reverse=True):
        if not labelled or np.log10(labelled[-1] / value) >= gap * (high - low):
            labelled.append(value)
    fix_ticks(axes.xaxis, labelled, formatter=formatter or amount_ticks())


def fix_ticks(axis: Axis, ticks: Iterable[float], *, formatter: Formatter) -> None:
    """Set exactly these major ticks, and no minor ticks."""
    axis.set_major_locator(FixedLocator(list(ticks)))
    axis.set_major_formatter(formatter)
    axis.set_minor_locator(NullLocator())
