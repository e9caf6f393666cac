"""Cost of networks as a function of size, and cost ratios where two laws cross."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from scaling.fit import EstimationOptions, compare_laws, fit_table
from scaling.fit.data.costs import CostCurve, cost_curves
from tests.fit.planted_laws import plant

WIDE = (1, 2, 4, 8, 16, 32)
PARAMETERS = {"one": lambda x: 300 * x, "other": lambda x: 100 * x**2}
MACS = {"one": lambda x: 5000 * x, "other": lambda x: 250 * x**2}


def table(seeds: int = 8) -> pa.Table:
    """Return runs of two laws, 0.4 x^-0.5 and 0.25 x^-0.3, which cross at (0.4 / 0.25)^(1 / 0.2) = 10.5."""
    rows: dict[str, list[object]] = {
        name: []
        for name in ("architecture", "filters", "parameters", "macs", "test_error", "test_images", "seed")
    }
    for k, (name, law) in enumerate({"one": (0.4, 0.5, 0.0), "other": (0.25, 0.3, 0.0)}.items()):
        points = plant(law, np.random.default_rng([3, k]), widths=WIDE, seeds=seeds, test_images=10**5)
        for row_index, (x, y) in enumerate(
            zip(points.x.astype(int).tolist(), points.y.tolist(), strict=True)
        ):
            row = (name, x, PARAMETERS[name](x), MACS[name](x), y, 10**5, row_index % seeds)
            for column, value in zip(rows.values(), row, strict=True):
                column.append(value)
    return pa.table(rows)


def test_powers_of_the_size_are_exact_within_and_beyond_the_known_sizes():
    curves = cost_curves(table(), x="filters", by=("architecture",))
    for name in ("one", "other"):
        at = np.array([0.3, 1.0, 5.0, 1000.0])
        assert curves[name,]["parameters"].at(at) == pytest.approx(PARAMETERS[name](at))
        assert curves[name,]["macs"].at(at) == pytest.approx(MACS[name](at))


def test_known_sizes_keep_their_cost():
    cost = CostCurve(np.array([1.0, 3.0, 10.0]), np.array([7.0, 50.0, 51.0]))
    assert cost.at(cost.x) == pytest.approx(cost.amount)


def test_cost_ratios_at_the_crossing_follow_from_the_crossing():
    """3 x / x^2 and 20 x / x^2 fall with x, so that their intervals are those of the crossing in reverse."""
    comparison = compare_laws(*fit_table(table(), EstimationOptions(resamplings=400)))
    assert 0.8 < comparison.crossing.estimate / (0.4 / 0.25) ** 5 < 1.25
    for name, factor in (("parameters", 3), ("macs", 20)):
        ratio = comparison.cost_ratios[name]
        expected = [
            factor / x
            for x in (comparison.crossing.estimate, comparison.crossing.high, comparison.crossing.low)
        ]
        assert [ratio.estimate, ratio.low, ratio.high] == pytest.approx(expected)
    assert comparison.to_dict()["cost_ratios"]["macs"]["estimate"] == comparison.cost_ratios["macs"].estimate


@pytest.mark.parametrize(
    "changed",
    [
        lambda runs: runs.drop_columns("macs"),
        lambda runs: runs.set_column(3, "macs", pa.array([None] * runs.num_rows, pa.int64())),
        lambda runs: runs.set_column(3, "macs", pa.array(range(1, runs.num_rows + 1))),
        lambda runs: runs.set_column(3, "macs", pa.array(["many"] * runs.num_rows)),
    ],
    ids=["missing", "empty", "several at one size", "words"],
)
def test_a_cost_without_one_value_at_every_size_is_left_out(changed):
    fits = fit_table(changed(table()), EstimationOptions(resamplings=20))
    assert set(compare_laws(*fits).cost_ratios) == {"parameters"}


def test_a_law_along_a_cost_has_no_ratio_of_that_cost():
    fits = fit_table(table(), EstimationOptions(resamplings=20), x="macs")
    assert set(compare_laws(*fits).cost_ratios) == {"parameters"}
