"""Tick labels and curve styles."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

from analysis import style
from analysis.figure_options import WIDTH, FigureOptions


@pytest.fixture(autouse=True)
def _page_style():
    """Apply the style of a page, in which gaps between labels are given."""
    with style.figure_style():
        yield


@pytest.mark.parametrize("limits", [(0.018, 0.22), (0.0071, 0.0079), (0.03, 0.9), (1e-6, 1.0), (0.2, 0.31)])
def test_log_axis_labels_are_few_and_do_not_overlap(limits):
    axes = Figure().add_subplot(yscale="log", ylim=limits)
    style.label_log_axis(axes.yaxis, style.percent_ticks(), gap=0.06)
    ticks = axes.yaxis.get_majorticklocs()
    assert 2 <= len(ticks) <= 1 + 1 / 0.06
    assert limits[0] <= ticks.min()
    assert ticks.max() <= limits[1]
    assert np.diff(np.log10(ticks)).min() >= 0.06 * np.log10(limits[1] / limits[0]) * (1 - 1e-9)
    labels = axes.yaxis.get_major_formatter().format_ticks(ticks)
    assert len(set(labels)) == len(labels)
    assert len(axes.yaxis.get_minorticklocs()) == 0


def error_panels(*errors) -> list[Axes]:
    """Return panels that share a logarithmic y axis, each with some errors, with labels."""
    panels = Figure().subplots(1, len(errors), sharey=True, squeeze=False)[0]
    for axes, values in zip(panels, errors, strict=True):
        axes.set(yscale="log")
        axes.plot(range(len(values)), style.positive_or_nan(values))
    style.label_error_axis(panels[0], gap=0.06)
    return list(panels)


@pytest.mark.parametrize("errors", [[[0.0, 0.0]], [[]], [[0.0], [0.0, 0.0]]])
def test_an_axis_without_errors_above_0_shows_fractions(errors):
    for axes in error_panels(*errors):
        assert axes.get_ylim() == (0.001, 1.0)
        assert axes.yaxis.get_majorticklocs().max() <= 1


def test_a_panel_without_errors_above_0_has_the_range_of_the_others():
    first, second = error_panels([0.0, 0.0], [0.02, 0.01])
    low, high = first.get_ylim()
    assert second.get_ylim() == (low, high)
    assert 0.005 < low < 0.01 < 0.02 < high < 0.04


def test_labelled_values_are_trained_widths_and_include_the_widest():
    widths = list(range(1, 41))
    axes = Figure().add_subplot(xscale="log", xlim=(0.9, 45))
    style.label_values(axes, widths)
    ticks = axes.xaxis.get_majorticklocs()
    assert set(ticks) <= set(widths)
    assert 40 in ticks
    assert np.diff(np.log10(np.sort(ticks))).min() >= 0.045 * np.log10(45 / 0.9)


def test_42_curves_have_different_styles():
    assert len({style.curve_style(index) for index in range(42)}) == 42


def test_tick_labels_are_plain_numbers():
    amounts = style.amount_ticks()
    assert [amounts.format_eng(value) for value in (6, 950, 1500, 200_000, 1.3e6)] == [
        "6",
        "950",
        "1.5k",
        "200k",
        "1.3M",
    ]
    assert style.amount_ticks("s").format_eng(0.25) == "250 ms"
    axes = Figure().add_subplot(yscale="log", ylim=(0.0001, 1))
    axes.yaxis.set_major_formatter(style.percent_ticks())
    labels = axes.yaxis.get_major_formatter().format_ticks([0.025, 0.1, 0.00077])
    assert labels == ["2.5 %", "10 %", "0.077 %"]
    assert style.number_ticks()(0.05) == "0.05"


def test_labels_are_sparser_in_a_narrower_figure():
    """Labels keep their size, so their distance in inches stays, and no two of them overlap."""
    inches = {}
    for width in (2.5, WIDTH, 7.0):
        with style.figure_style(FigureOptions(width=width)):
            axes = Figure().add_subplot(xscale="log", xlim=(1, 300))
            style.label_values(axes, range(1, 301), gap=0.09)
            ticks = np.sort(axes.xaxis.get_majorticklocs())
            inches[width] = np.diff(np.log10(ticks)).min() / np.log10(300) * width / style.letter_scale()
            assert min(inches.values()) >= 0.09 * WIDTH * (1 - 1e-9)
            assert len(ticks) >= 1 / 0.09 * width / WIDTH / 2


def test_letters_keep_a_readable_size_at_every_width():
    for width in (2.0, 3.25, WIDTH, 7.0, 20.0):
        with style.figure_style(FigureOptions(width=width)):
            sizes = [rcParams[name] for name in ("legend.fontsize", "xtick.labelsize", "ytick.labelsize")]
            assert 7.0 - 1e-9 <= min(sizes) <= max(sizes) <= 9.0
            assert style.figure_size(3.0)[0] == width


def _grey(color: object) -> float:
    """Return the luminance of a colour, as printers without colours show it."""
    return float(np.dot(to_rgb(color), (0.2126, 0.7152, 0.0722)))


def test_curves_and_widths_can_be_told_apart_in_grey():
    assert len({style.curve_style(index).marker for index in range(6)}) == 6
    shades = [_grey(color) for color in style.width_colors([1, 2, 3, 4, 6, 8, 12, 16]).values()]
    assert all(np.diff(shades) < -0.02)  # from light to dark, as networks get wider
    assert all(_grey(color) < 0.75 for color in style.PALETTE)  # nothing is faint on white


def test_the_name_of_every_font_is_one_family_in_formulas():
    """Hyphens, colons and commas in a name would start another part of the pattern of a font."""
    for font in ("Last Resort High-Efficiency", "DejaVu Serif"):  # both come with matplotlib
        with style.figure_style(FigureOptions(font=font)):
            for name, kind in (("rm", "normal"), ("it", "italic")):
                properties = FontProperties(rcParams[f"mathtext.{name}"])
                assert (properties.get_family(), properties.get_style()) == ([font], kind)
