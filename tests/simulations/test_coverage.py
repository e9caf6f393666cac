"""The simulation of ``make coverage``, in small: the simulated law, the counts, and the coverage of the
intervals."""

from __future__ import annotations

import csv
from collections import Counter

import numpy as np
import pytest

from simulations.__main__ import FOLDER, PAGE, STUDIES, coverage_table, render_page, verdict_table
from simulations.coverage import METHODS, ScenarioCounts, count_scenario
from simulations.scenarios import Scenario, coverage_scenarios, verdict_scenarios

N_STUDIES = 40
SMALL_SCENARIOS = [
    scenario
    for scenario in coverage_scenarios()
    if scenario.noise in ("under", "images") and (scenario.widths, scenario.seeds) == (8, 8)
]


@pytest.mark.parametrize("noise", ["under", "over", "orders", "images"])
def test_simulated_means_follow_the_law_of_the_scenario(noise):
    """Compare the means over many seeds, at four standard errors."""
    scenario = Scenario(noise=noise, widths=8, seeds=400, floor=0.25)
    points = scenario.simulate(np.random.default_rng(0))
    truth = np.array([scenario.mean(x) for x in points.widths])
    # All seeds share the images, so that more seeds do not reduce the contribution of the images.
    images = 0
    if points.misclassified is not None:
        images = points.misclassified.mean(axis=0).std() / np.sqrt(points.misclassified.shape[1])
    orders = 0.03 * truth / np.sqrt(50) if noise == "orders" else 0
    assert (np.abs(points.means - truth) < 4 * (points.std / np.sqrt(400) + orders + 2 * images)).all()


def test_the_widest_error_is_the_same_for_every_floor():
    widest = {round(scenario.mean(scenario.sizes[-1]), 12) for scenario in verdict_scenarios()}
    assert len(widest) == 1


@pytest.mark.simulation
@pytest.mark.parametrize("scenario", SMALL_SCENARIOS, ids=str)
def test_intervals_have_their_coverage_in_small(scenario):
    counts = count_scenario(scenario, N_STUDIES)
    assert not any(counts.is_rejected(name) for name in METHODS if name != "naive exponent")


@pytest.mark.slow
@pytest.mark.simulation
@pytest.mark.parametrize("floor", [0.0, 0.4])
def test_intervals_hold_where_seeds_are_shared_and_a_run_is_missing(floor):
    """Seeds are resampled as a whole, as far as they have runs: each interval keeps its coverage."""
    studies = 400
    counts = count_scenario(Scenario(noise="missing", widths=8, seeds=8, floor=floor), studies)
    assert min(counts.covered[name] for name in ("exponent", "floor", "prediction")) >= 0.93 * studies


def test_a_simulated_study_lacks_one_run():
    scenarios = [Scenario(noise=noise, widths=8, seeds=8, floor=0.0) for noise in ("seeds", "missing")]
    whole, partial = (scenario.simulate(np.random.default_rng(0)) for scenario in scenarios)
    assert sorted(whole.counts - partial.counts) == [0] * 7 + [1]


def test_a_coverage_is_rejected_by_a_binomial_test():
    def is_rejected(coverage: float, *, floor: float) -> bool:
        scenario = Scenario(noise="under", widths=8, seeds=8, floor=floor)
        covered = {"floor": round(4000 * coverage)}
        return ScenarioCounts(scenario, 4000, covered, 0, Counter()).is_rejected("floor")

    expected = {0.90: True, 0.93: False, 0.95: False, 0.97: False, 0.99: True}
    assert {coverage: is_rejected(coverage, floor=0.4) for coverage in expected} == expected
    expected = {0.90: True, 0.95: False, 1.0: False}
    assert {coverage: is_rejected(coverage, floor=0.0) for coverage in expected} == expected


def test_the_page_shows_every_scenario():
    scenarios = list(coverage_scenarios())
    counts = [
        ScenarioCounts(scenario, 100, dict.fromkeys(METHODS, 95), 3, Counter({"power law": 100}))
        for scenario in scenarios
    ]
    text = render_page({"coverage": coverage_table(counts), "verdicts": verdict_table(counts)}, studies=100)
    assert text.count("| 95.0 | 95.0 | 95.0 | 95.0 | 3.0 |") == len(scenarios)
    assert text.count("| 100.0 | 0.0 | 0.0 |") == len(scenarios)


def test_the_committed_page_shows_the_committed_tables():
    tables = {}
    for name in ("coverage", "verdicts"):
        with (FOLDER / f"{name}.csv").open(newline="") as file:
            tables[name] = list(csv.reader(file))
    assert PAGE.read_text() == render_page(tables, studies=STUDIES)
    for name, scenarios in (("coverage", coverage_scenarios()), ("verdicts", verdict_scenarios())):
        rows = [(row[0], int(row[1]), int(row[2]), float(row[3])) for row in tables[name][1:]]
        assert rows == [(case.noise, case.widths, case.seeds, case.floor) for case in scenarios]
