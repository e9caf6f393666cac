"""The simulation of curves that flatten, in small, and its page."""

from __future__ import annotations

import csv
from collections import Counter

import pytest
from scipy.stats import binom

from simulations.flattening import (
    COLUMNS,
    FOLDER,
    PAGE,
    STUDIES,
    FlatteningCounts,
    cases,
    count_case,
    flattening_table,
    render_page,
)

N_STUDIES = 30


@pytest.mark.simulation
def test_a_bend_is_rarely_a_usable_floor_in_small():
    counts = count_case(("smooth bend, exponents 0.7 and 0.2", 8, 4), N_STUDIES).counts
    assert counts["usable without comparison"] > counts["usable"]
    assert counts["usable"] <= binom.isf(1e-3, N_STUDIES, 0.05)


def test_the_page_shows_every_case_and_shares_of_usable_laws():
    counts = Counter(dict.fromkeys(COLUMNS, 20))
    text = render_page(flattening_table(FlatteningCounts(case, 80, counts) for case in cases()), studies=80)
    shown = f"| {' | '.join(['25.0'] * 6 + ['100.0'] * 3)} |"
    assert text.count(shown) == len(list(cases()))


def test_the_committed_page_shows_the_committed_table():
    with (FOLDER / "flattening.csv").open(newline="") as file:
        assert PAGE.read_text() == render_page(list(csv.reader(file)), studies=STUDIES)
