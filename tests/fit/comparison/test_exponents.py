"""Two planted laws: the difference of the exponents, their equivalence, and the crossing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binom

from scaling.errors import FitError, UsageError
from scaling.fit import EstimationOptions, Fit, compare_laws, fit
from tests.fit.planted_laws import bare_points, curve, plant

WIDE = (1, 2, 3, 4, 6, 8, 12, 16)
LAWS = ((0.4, 0.5, 0.0), (0.25, 0.3, 0.0))


def fit_planted(law: tuple[float, float, float], k: int, **options: object) -> Fit:
    forms = ("power", "floor") if law[2] else ("power",)
    points = plant(law, np.random.default_rng([8, k]), widths=WIDE, seeds=8, **options)
    return fit(
        points, EstimationOptions(forms=forms, resamplings=200, seed=1, holdout=0), group={"study": str(k)}
    )


@pytest.mark.simulation
def test_intervals_of_difference_and_crossing_cover_the_truth_at_their_level():
    root = brentq(
        lambda x: float(curve(np.array([x]), LAWS[0])[0] - curve(np.array([x]), LAWS[1])[0]), 1, 100
    )
    studies, n_covered = 120, {"difference": 0, "crossing": 0}
    for k in range(studies):
        comparison = compare_laws(fit_planted(LAWS[0], 2 * k), fit_planted(LAWS[1], 2 * k + 1))
        n_covered["difference"] += comparison.difference.low <= 0.2 <= comparison.difference.high
        n_covered["crossing"] += comparison.crossing.low <= root <= comparison.crossing.high
    for count in n_covered.values():
        # Intervals of the right level fail either bound at most once in 10,000 repeats.
        assert binom.ppf(1e-4, studies, 0.93) <= count
        assert count <= binom.isf(1e-4, studies, 0.97)


@pytest.mark.parametrize(
    ("exponents", "test_images", "conclusion"),
    [((0.5, 0.5), 10**7, "equal"), ((0.5, 0.5), 100, "undecided"), ((0.5, 0.7), 10**6, "different")],
)
def test_exponents_are_equal_different_or_undecided(exponents, test_images, conclusion):
    pair = [
        fit_planted((amplitude, exponent, 0.0), seed, test_images=test_images)
        for amplitude, exponent, seed in zip((0.4, 0.2), exponents, (900, 950), strict=True)
    ]
    assert compare_laws(*pair).conclusion == conclusion


def test_each_curve_is_compared_by_the_law_that_its_verdict_names():
    """One curve has a floor and the other has none; the sentence and the record name both forms."""
    comparison = compare_laws(
        *(
            fit(
                plant(law, np.random.default_rng(seed), widths=WIDE, seeds=8, test_images=10**6),
                EstimationOptions(resamplings=200),
                group={"study": str(seed)},
            )
            for seed, law in enumerate(((0.4, 0.5, 0.06), (0.4, 0.5, 0.0)))
        )
    )
    assert comparison.forms == ("floor", "power")
    assert comparison.conclusion == "equal"
    assert comparison.to_dict()["forms"] == ("floor", "power")


def test_parallel_laws_have_equal_exponents_and_do_not_cross():
    x = np.repeat(np.array(WIDE, float), 2)
    jitter = np.tile([0.999, 1.001], len(WIDE))
    first, second = (
        fit(
            bare_points(x, a * x**-0.5 * jitter),
            EstimationOptions(forms=("power",), resamplings=50),
            group={"a": str(a)},
        )
        for a in (0.4, 0.2)
    )
    comparison = compare_laws(first, second)
    assert (comparison.crossing, comparison.interpolated, comparison.conclusion) == (None, False, "equal")


def test_groups_that_cannot_be_compared_are_rejected():
    first = fit_planted(LAWS[0], 0)
    with pytest.raises(UsageError, match="cannot be compared"):
        compare_laws(
            first,
            fit(
                bare_points(WIDE, np.array(WIDE) ** -0.5), EstimationOptions(forms=("power",), resamplings=20)
            ),
        )
    with pytest.raises(UsageError, match="both groups are named 0"):
        compare_laws(first, first)
    with pytest.raises(FitError, match="no law of the form floor"):
        compare_laws(first, fit_planted(LAWS[0], 1), form="floor")
    with pytest.raises(UsageError, match="margin: expected a number above 0"):
        compare_laws(first, fit_planted(LAWS[0], 1), margin=0.0)
