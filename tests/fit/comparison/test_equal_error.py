"""Sizes at equal error: inverses of the laws, with intervals that cover the planted ratio."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import binom

from scaling.errors import FitError, UsageError
from scaling.fit import (
    EstimationOptions,
    Fit,
    compare_sizes,
    fit,
    preferred_law,
    size_for_error,
)
from scaling.fit.form_choice import FormChoice
from tests.fit.planted_laws import bare_points, plant

WIDE = (1, 2, 3, 4, 6, 8, 12, 16)
LAWS = ((0.4, 0.5, 0.0), (0.25, 0.3, 0.0))


@cache  # the two tests of coverage compare the same 150 pairs of fits
def fit_planted(law: tuple[float, float, float], k: int, **options: object) -> Fit:
    points = plant(law, np.random.default_rng([8, k]), widths=WIDE, seeds=8, **options)
    return fit(points, EstimationOptions(resamplings=200, seed=1, holdout=0), group={"study": str(k)})


def invert(law: tuple[float, float, float], error: float) -> float:
    amplitude, exponent, floor = law
    return ((error - floor) / amplitude) ** (-1 / exponent)


@pytest.mark.simulation
@pytest.mark.parametrize("error", [0.16, 0.08], ids=["measured", "extrapolated"])
def test_the_interval_of_a_ratio_covers_the_truth_at_its_level(error):
    truth, studies, n_covered = invert(LAWS[0], error) / invert(LAWS[1], error), 80, 0
    for k in range(studies):
        sizes = compare_sizes(fit_planted(LAWS[0], 2 * k), fit_planted(LAWS[1], 2 * k + 1), error=error)
        n_covered += sizes.ratio.low <= truth <= sizes.ratio.high
    assert n_covered >= binom.ppf(
        1e-4, studies, 0.93
    )  # more than 95 % are covered if a floor cannot be excluded


def test_the_size_for_an_error_is_the_inverse_of_the_law():
    planted_fit = fit_planted((0.4, 0.5, 0.05), 0, test_images=10**6)
    for form in ("power", "floor"):
        size = size_for_error(planted_fit, 0.1, form=form)
        assert size.low <= size.estimate <= size.high
        assert float(planted_fit.laws[form].predict(size.estimate)) == pytest.approx(0.1)
    assert size_for_error(planted_fit, 0.03, form="floor").estimate == np.inf
    assert size_for_error(planted_fit, 0.03, form="power").estimate < np.inf
    with pytest.raises(UsageError, match="above 0"):
        size_for_error(planted_fit, 0.0)


def test_sizes_are_those_of_each_law_and_extrapolations_are_named():
    first, second = fit_planted(LAWS[0], 0, test_images=10**6), fit_planted(LAWS[1], 1, test_images=10**6)
    sizes = compare_sizes(first, second, error=0.095)  # sizes 17.7 of the first, 25.2 of the second
    assert sizes.extrapolated == ("0", "1")
    assert sizes.sizes == tuple(
        size_for_error(each, 0.095, form=preferred_law(each).form.name) for each in (first, second)
    )
    assert sizes.ratio.estimate == pytest.approx(sizes.sizes[0].estimate / sizes.sizes[1].estimate)
    assert compare_sizes(first, second, error=0.2).extrapolated == ()
    assert sizes.to_dict()["ratio"]["low"] == sizes.ratio.low


def test_an_error_below_the_floor_is_never_reached():
    low, high = (
        fit_planted((0.4, 0.6, 0.02), 0, test_images=10**6),
        fit_planted((0.4, 0.6, 0.1), 1, test_images=10**6),
    )
    assert {each.verdict.choice for each in (low, high)} == {FormChoice.FLOOR}
    assert compare_sizes(low, high, error=0.08).ratio.estimate == 0
    unreached = compare_sizes(high, low, error=0.08)
    assert unreached.ratio.estimate == np.inf
    # JSON has no infinity: never if the first group does not fall to the error, 0 if the second does not.
    assert unreached.to_dict()["ratio"]["estimate"] == "never"
    assert compare_sizes(low, high, error=0.08).to_dict()["ratio"]["estimate"] == 0
    neither = compare_sizes(low, high, error=0.01)
    assert neither.ratio is None
    assert neither.extrapolated == ("0", "1")


def test_groups_that_cannot_be_compared_are_rejected():
    first = fit_planted(LAWS[0], 0)
    with pytest.raises(UsageError, match="above 0"):
        compare_sizes(first, fit_planted(LAWS[1], 1), error=0.0)
    thin = fit(
        bare_points((1, 1, 2, 2), (0.4, 0.41, 0.3, 0.31)),
        EstimationOptions(forms=("power",), resamplings=20),
        group={"study": "thin"},
    )
    assert preferred_law(thin) is None
    with pytest.raises(FitError, match="thin has no usable law to compare"):
        compare_sizes(first, thin, error=0.1)
