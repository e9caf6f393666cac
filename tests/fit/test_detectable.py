"""Smallest detectable differences: planted differences of this size are shown as often as promised."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scaling.errors import UsageError
from scaling.fit import EstimationOptions, Fit, compare_laws, fit
from scaling.fit.detectable import DEFAULT_POWER, DetectableDifference, detectable_differences
from scaling.fit.interval import Interval
from tests.fit.planted_laws import DISPERSION, plant

WIDE = (1, 2, 3, 4, 6, 8, 12, 16)
IMAGES = 10_000
LAW = (0.4, 0.5, 0.05)


def fit_planted(law: tuple[float, float, float], *seed: int, seeds: int = 8) -> Fit:
    points = plant(law, np.random.default_rng(seed), widths=WIDE, seeds=seeds, test_images=IMAGES)
    return fit(points, EstimationOptions(resamplings=200), group={"study": str(seed)})


@pytest.mark.simulation
def test_more_seeds_detect_smaller_differences():
    first, second = fit_planted(LAW, 1), fit_planted(LAW, 2)
    exponents, *errors = detectable_differences([first, second], factors=(1, 4), studies=60)
    assert (exponents.x, [error.x for error in errors]) == (None, list(WIDE))
    assert exponents.measured == compare_laws(first, second).difference
    for one in (exponents, *errors):
        assert one.by_factor[4] == pytest.approx(one.by_factor[1] / 2, rel=0.25)


def test_a_difference_that_no_study_shows_is_none():
    measured = Interval(estimate=0.1, low=0.0, high=0.2)
    one = DetectableDifference(
        first="a", second="b", x=None, measured=measured, by_factor={1: np.inf, 2: 0.3}
    )
    assert one.to_dict()["by_factor"] == {1: "none", 2: 0.3}


@pytest.mark.simulation
def test_detectable_errors_agree_with_the_power_of_a_t_test():
    """With many seeds the t test is a normal one, whose power has a closed form."""
    first, second = fit_planted(LAW, 2, seeds=200), fit_planted(LAW, 3, seeds=200)
    for one in detectable_differences([first, second], factors=(1,), studies=100)[1:]:
        mean = float(first.laws["floor"].predict(one.x))
        std_error = np.sqrt(2 * DISPERSION * mean * (1 - mean) / IMAGES / 200) / mean
        expected = (stats.norm.ppf(0.975) + stats.norm.ppf(DEFAULT_POWER)) * std_error
        assert one.by_factor[1] == pytest.approx(expected, rel=0.1)


def test_a_power_outside_its_range_is_refused():
    with pytest.raises(UsageError, match=r"power: expected a number from 0\.5"):
        detectable_differences([fit_planted(LAW, 0)], power=1.0)
