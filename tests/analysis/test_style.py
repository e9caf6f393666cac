"""Ticks and looks."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from analysis import style


@pytest.mark.parametrize("limits", [(0.018, 0.22), (0.0071, 0.0079), (0.03, 0.9), (1e-6, 1.0), (0.2, 0.31)])
def test_log_ticks_are_few_and_stand_apart(limits):
    axes = Figure().add_subplot(yscale="log", ylim=limits)
    style.log_ticks(axes.yaxis, style.percent_tick, gap=0.06)
    ticks = axes.yaxis.get_majorticklocs()
    assert 2 <= len(ticks) <= 1 + 1 / 0.06
    assert limits[0] <= ticks.min()
    assert ticks.max() <= limits[1]
    assert np.diff(np.log10(ticks)).min() >= 0.06 * np.log10(limits[1] / limits[0]) * (1 - 1e-9)
    shown = [style.percent_tick(tick) for tick in ticks]
    assert len(set(shown)) == len(shown)
    assert len(axes.yaxis.get_minorticklocs()) == 0


def test_width_ticks_are_widths_and_the_widest_is_among_them():
    widths = list(range(1, 41))
    axes = Figure().add_subplot(xscale="log", xlim=(0.9, 45))
    style.width_ticks(axes, widths)
    ticks = axes.xaxis.get_majorticklocs()
    assert set(ticks) <= set(widths)
    assert 40 in ticks
    assert np.diff(np.log10(np.sort(ticks))).min() >= 0.045 * np.log10(45 / 0.9)


def test_every_curve_of_a_large_study_has_a_look_of_its_own():
    assert len({style.look(index) for index in range(42)}) == 42


def test_ticks_read_as_numbers():
    assert [style.metric_tick(value) for value in (6, 950, 1500, 200_000, 1.3e6)] == [
        "6",
        "950",
        "1.5k",
        "200k",
        "1.3M",
    ]
    assert [style.percent_tick(value) for value in (0.025, 0.1, 0.00077)] == ["2.5 %", "10 %", "0.077 %"]
