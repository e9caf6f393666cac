"""Smallest detectable differences: planted differences of this size are shown as often as promised."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from scaling.errors import UsageError
from scaling.fit import EstimationOptions, Fit, compare_laws, fit
from scaling.fit.comparison.detectable import DEFAULT_POWER, detectable_differences
from tests.fit.planted_laws import DISPERSION, plant

WIDE = (1, 2, 3, 4, 6, 8, 12, 16)
IMAGES = 10_000
LAW = (0.4, 0.5, 0.05)


def fit_planted(law: tuple[float, float, float], *seed: int, seeds: int = 8) -> Fit:
    points = plant(law, np.random.default_rng(seed), widths=WIDE, seeds=seeds, test_images=IMAGES)
    return fit(points, EstimationOptions(resamplings=200), group={"study": str(seed)})


def test_more_seeds_detect_smaller_differences():
    first, second = fit_planted(LAW, 0), fit_planted(LAW, 1)
    exponents, *errors = detectable_differences([first, second])
    assert (exponents.x, [error.x for error in errors]) == (None, list(WIDE))
    assert exponents.measured == compare_laws(first, second).difference
    for one in (exponents, *errors):
        assert one.by_factor[4] == pytest.approx(one.by_factor[1] / 2)


def test_detectable_errors_agree_with_the_power_of_a_t_test():
    """With many seeds the t test is a normal one, whose power has a closed form."""
    first, second = fit_planted(LAW, 2, seeds=200), fit_planted(LAW, 3, seeds=200)
    for one in detectable_differences([first, second])[1:]:
        mean = float(first.laws["floor"].predict(one.x))
        std_error = np.sqrt(2 * DISPERSION * mean * (1 - mean) / IMAGES / 200) / mean
        expected = (stats.norm.ppf(0.975) + stats.norm.ppf(DEFAULT_POWER)) * std_error
        assert one.by_factor[1] == pytest.approx(expected, rel=0.1)


@pytest.mark.simulation
def test_a_difference_of_exponents_is_shown_as_often_as_promised():
    smallest = np.median(
        [
            detectable_differences([fit_planted(LAW, 4, k), fit_planted(LAW, 5, k)])[0].by_factor[1]
            for k in range(20)
        ]
    )
    other = (LAW[0], LAW[1] + float(smallest), LAW[2])
    studies = 120
    shown = 0
    for k in range(studies):
        difference = compare_laws(fit_planted(LAW, 6, k), fit_planted(other, 7, k)).difference
        shown += difference.high < 0
    # The promise fails either bound at most once in 1,000 repeats, within 5 points.
    assert stats.binom.ppf(1e-3, studies, DEFAULT_POWER - 0.05) <= shown
    assert shown <= stats.binom.isf(1e-3, studies, DEFAULT_POWER + 0.05)


def test_a_power_outside_its_range_is_refused():
    with pytest.raises(UsageError, match=r"power: expected a number from 0\.5"):
        detectable_differences([fit_planted(LAW, 0)], power=1.0)
