"""The simulation of docs/optimum.md, in small: the planted curves, the counts and the table."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from scaling.fit import Interval
from simulations.optimum import PAGE, STUDIES, TABLE, ValleyCounts, optimum_table, render_page, valleys


@pytest.mark.parametrize("valley", list(valleys())[::5], ids=str)
def test_planted_curves_are_sums_of_two_powers_with_their_minimum_at_the_optimum(valley):
    x = np.geomspace(0.5, 40, 10_001)
    means = valley.means(x)
    assert x[means.argmin()] == pytest.approx(valley.x_opt, rel=1e-3)
    assert means.min() == pytest.approx(valley.lowest, rel=1e-6)
    powers = np.stack([np.ones_like(x), x**-valley.fall, x**valley.rise], axis=1)
    coefficients, _, _, _ = np.linalg.lstsq(powers, means, rcond=None)
    assert powers @ coefficients == pytest.approx(means, rel=1e-9)
    assert coefficients[0] == pytest.approx(valley.floor * valley.lowest, abs=1e-6)


def test_the_table_shows_coverage_bias_and_statuses():
    valley = next(valleys())
    intervals = [
        Interval(estimate=valley.x_opt * by, low=valley.x_opt * 0.9, high=3.0) for by in (1.0, 1.1, 1.2)
    ]
    missing = Interval(estimate=valley.x_opt, low=valley.x_opt * 1.01, high=9.0)
    counts = ValleyCounts(
        valley=valley,
        studies=5,
        intervals={"optimum": tuple(intervals), "parabola": (*intervals, missing), "cubic": (missing,)},
        usable=2,
    )
    heading, row = optimum_table([counts])
    shown = dict(zip(heading, row, strict=True))
    assert (shown["coverage"], shown["bias"]) == ("100.0", "+10.0")
    assert (shown["usable"], shown["rejected"]) == ("40.0", "40.0")
    assert (shown["parabola: coverage"], shown["cubic: coverage"]) == ("75.0", "0.0")


def test_the_committed_page_shows_the_committed_table():
    with TABLE.open(newline="") as file:
        assert PAGE.read_text() == render_page(list(csv.reader(file)), studies=STUDIES)
