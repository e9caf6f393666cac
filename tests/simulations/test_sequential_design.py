"""The simulation behind docs/suggest.md, in small: the simulated law, how studies grow, and the table of the
page."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from simulations.sequential_design import (
    BEYOND,
    BLOCK,
    COLUMNS,
    CSV,
    PAGE,
    SEEDS,
    TARGETS,
    WIDTHS,
    SimulatedStudy,
    block_cost,
    compare_rules,
    grow_evenly,
    grow_until_target,
    markdown_table,
    price_of_level_widths,
    propose_growth,
    study_cost,
)


def test_a_run_has_the_same_error_whenever_it_is_requested():
    study = SimulatedStudy(draw=4, noise="under")
    small, large = study.points({1: 4, 6: 8}), study.points({1: 12, 2: 4, 6: 8})
    assert small.y[:4].tolist() == large.y[:4].tolist()
    assert small.y[4:].tolist() == large.y[16:].tolist()


@pytest.mark.parametrize(("noise", "dispersion"), [("under", 0.6), ("over", 3.0)])
def test_simulated_runs_follow_the_law_and_its_noise(noise, dispersion):
    study = SimulatedStudy(draw=1, noise=noise)
    points = study.points({3: 4000})
    amplitude, exponent, floor = study.law
    mean = amplitude * 3**-exponent + floor
    variance = dispersion * mean * (1 - mean) / 10_000
    assert points.y.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / 4000))
    assert points.y.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / 4000))
    assert SimulatedStudy(draw=3, noise=noise).law[2] == 0 < floor


@pytest.mark.simulation
@pytest.mark.parametrize("of", TARGETS)
def test_studies_grow_until_the_interval_reaches_the_target(of):
    start = study_cost(dict.fromkeys(WIDTHS, SEEDS))
    for draw in range(3):
        study = SimulatedStudy(draw=draw, noise="under")
        proposed = grow_until_target(study, of, propose_growth(of, [*WIDTHS, *BEYOND]))
        even = grow_until_target(study, of, grow_evenly(of))
        assert proposed.cost >= 1
        assert even.cost >= 1
        # An even grid grows by the cost of one block at each width.
        grown = (even.cost - 1) * start / sum(map(block_cost, WIDTHS))
        assert grown == pytest.approx(even.iterations)
        assert SEEDS == BLOCK


def test_the_page_shows_the_committed_table():
    rows = list(csv.reader(CSV.read_text().splitlines()))
    assert tuple(rows[0]) == COLUMNS
    assert markdown_table(rows[1:]) in PAGE.read_text()


def test_a_row_has_every_column():
    assert len(compare_rules(("exponent", "under", "between"), studies=2)) == len(COLUMNS)


def test_the_price_of_level_widths_is_a_sentence():
    text = price_of_level_widths("exponent", "under", studies=2)
    assert text.startswith("exponent, under, 2 studies: median cost ")
    assert text.endswith("% without it")
