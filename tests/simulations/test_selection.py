"""The simulation of the law that the verdict names, in small, and its page."""

from __future__ import annotations

import csv
from collections import Counter

import pytest
from scipy.stats import binom

from simulations.scenarios import Scenario
from simulations.selection import (
    FOLDER,
    PAGE,
    QUANTITIES,
    STUDIES,
    CurveCounts,
    SelectionCounts,
    count_curve,
    count_selection,
    curve_cases,
    curve_table,
    is_false_power_law,
    render_page,
    selection_scenarios,
    selection_table,
)

N_STUDIES = 30


@pytest.mark.simulation
def test_the_named_law_covers_a_small_floor_in_small():
    counts = count_selection(Scenario(noise="under", widths=8, seeds=8, floor=0.03), N_STUDIES)
    for name in QUANTITIES:
        assert counts.covered[name] >= binom.ppf(1e-4, N_STUDIES, 0.93)


@pytest.mark.simulation
def test_a_break_without_replicates_is_no_power_law_in_small():
    counts = count_curve(("steepening break", 12, 0.02), N_STUDIES)
    assert not is_false_power_law(counts)
    assert counts.contradictions == 0


def test_the_page_shows_every_scenario_and_curve():
    selected = [
        SelectionCounts(scenario, 100, Counter(dict.fromkeys(QUANTITIES, 94)), 50, Counter())
        for scenario in selection_scenarios()
    ]
    curves = [CurveCounts(*case, 100, Counter({"bends": 90, "power law": 10}), 0) for case in curve_cases()]
    text = render_page({"selection": selection_table(selected), "curves": curve_table(curves)}, studies=100)
    assert text.count("| 94.0 | 94.0 | 94.0 | 50.0 | 0.0 | 0.0 | 0.0 |") == len(selected)
    assert text.count("| 10.0 * | 0.0 | 90.0 |") == len(curves) - 6  # the power law itself is no false one


def test_the_committed_page_shows_the_committed_tables():
    tables = {}
    for name in ("selection", "curves"):
        with (FOLDER / f"{name}.csv").open(newline="") as file:
            tables[name] = list(csv.reader(file))
    assert PAGE.read_text() == render_page(tables, studies=STUDIES)
