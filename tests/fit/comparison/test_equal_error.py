"""Sizes of equal error: the laws' own inverses, with intervals that hold what is planted."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from scaling.errors import FitError, UsageError
from scaling.fit import (
    EstimationOptions,
    Fit,
    compare_sizes,
    find_crossing,
    fit,
    preferred_law,
    size_for_error,
)
from scaling.fit.result import FormChoice
from tests.fit.planted_laws import bare_points, plant

WIDE = (1, 2, 3, 4, 6, 8, 12, 16)
LAWS = ((0.4, 0.5, 0.0), (0.25, 0.3, 0.0))


def studied(law: tuple[float, float, float], k: int, **how: object) -> Fit:
    points = plant(law, np.random.default_rng([8, k]), widths=WIDE, seeds=8, **how)
    return fit(points, EstimationOptions(resamplings=200, seed=1, holdout=0), group={"study": str(k)})


def size(law: tuple[float, float, float], error: float) -> float:
    amplitude, exponent, floor = law
    return ((error - floor) / amplitude) ** (-1 / exponent)


@pytest.mark.simulation
@pytest.mark.parametrize("error", [0.16, 0.08], ids=["measured", "extrapolated"])
def test_the_interval_of_a_ratio_holds_the_truth_as_often_as_it_says(error):
    truth, studies, held = size(LAWS[0], error) / size(LAWS[1], error), 150, 0
    for k in range(studies):
        found = compare_sizes(studied(LAWS[0], 2 * k), studied(LAWS[1], 2 * k + 1), error)
        held += found.ratio.low <= truth <= found.ratio.high
    assert held >= binom.ppf(
        1e-4, studies, 0.93
    )  # where a floor can't be told from none, more than 95 % are held


def test_sizes_are_those_that_each_law_needs_and_what_was_not_measured_is_named():
    first, second = studied(LAWS[0], 0, test_images=10**6), studied(LAWS[1], 1, test_images=10**6)
    found = compare_sizes(first, second, 0.095)  # at 17.7 of the first, 25.2 of the second
    assert found.extrapolated == ("0", "1")
    assert found.sizes == tuple(
        size_for_error(each, 0.095, form=preferred_law(each).form.name) for each in (first, second)
    )
    assert found.ratio.estimate == pytest.approx(found.sizes[0].estimate / found.sizes[1].estimate)
    assert compare_sizes(first, second, 0.2).extrapolated == ()
    assert found.to_dict()["ratio"]["low"] == found.ratio.low


def test_an_error_below_a_floor_is_never_reached():
    low, high = (
        studied((0.4, 0.6, 0.02), 0, test_images=10**6),
        studied((0.4, 0.6, 0.1), 1, test_images=10**6),
    )
    assert {each.verdict.choice for each in (low, high)} == {FormChoice.FLOOR}
    assert compare_sizes(low, high, 0.08).ratio.estimate == 0
    assert compare_sizes(high, low, 0.08).ratio.estimate == np.inf
    neither = compare_sizes(low, high, 0.01)
    assert neither.ratio is None
    assert neither.extrapolated == ("0", "1")


def test_laws_of_two_forms_meet_where_their_curves_do():
    pure, floored = (
        studied((0.5, 0.5, 0.0), 0, test_images=10**6),
        studied((0.2, 0.5, 0.1), 1, test_images=10**6),
    )
    laws = pure.laws["power"], floored.laws["floor"]
    place = find_crossing(pure, floored, laws=laws).x_cross.estimate
    assert place == pytest.approx(9, rel=0.05)  # 0.3 x^-0.5 = 0.1
    assert float(laws[0].predict(place)) == pytest.approx(float(laws[1].predict(place)), rel=1e-2)


def test_what_cannot_be_compared_is_refused():
    first = studied(LAWS[0], 0)
    with pytest.raises(UsageError, match="above 0"):
        compare_sizes(first, studied(LAWS[1], 1), 0.0)
    thin = fit(
        bare_points((1, 1, 2, 2), (0.4, 0.41, 0.3, 0.31)),
        EstimationOptions(forms=("power",), resamplings=20),
        group={"study": "thin"},
    )
    assert preferred_law(thin) is None
    with pytest.raises(FitError, match="thin has no usable law to compare"):
        compare_sizes(first, thin, 0.1)
