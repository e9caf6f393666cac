"""Growth of costs: planted exponents, and the table of all sizes."""

from __future__ import annotations

import pytest

from benchmarks import render
from benchmarks.growth import GRIDS, _summarise, growth_exponent
from benchmarks.results_file import replace_result
from tests.benchmarks.planted_results import ENVIRONMENT


@pytest.mark.parametrize("exponent", [0.5, 1.0, 2.0])
def test_exponent_of_a_power_of_the_runs_beyond_the_start_is_found(exponent):
    costs = {10: 3.0} | {runs: 3.0 + 0.01 * runs**exponent for runs in (100, 1000, 10_000)}
    assert growth_exponent(costs) == pytest.approx(exponent)


def test_cost_that_does_not_rise_has_no_exponent():
    assert growth_exponent({10: 3.0, 100: 2.9, 1000: 3.1}) is None


def test_grids_have_the_sizes_that_the_page_names():
    assert [grid.runs for grid in GRIDS] == [10, 100, 1000, 10_000]


def test_table_has_a_row_for_each_quantity_and_a_column_for_each_size():
    measurements = [
        *_summarise("scaling plan", {10: [1.0], 100: [2.0], 1000: [11.0]}),
        *_summarise("memory of scaling run", {10: [150.0], 100: [150.0]}),
    ]
    results = replace_result({}, "growth", measurements=measurements, environment=ENVIRONMENT)
    lines = render.growth_table(results).splitlines()
    assert lines[0] == "| processor | quantity | 10 runs | 100 runs | 1,000 runs | exponent |"
    assert lines[2] == "| Anything | scaling plan | 1 s | 2 s | 11 s | 1 |"
    assert lines[3] == "| Anything | memory of scaling run | 150 MiB | 150 MiB |  |  |"
