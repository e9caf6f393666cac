"""Two planted laws: the interval of the exponents' difference, equality within a margin, and where they meet."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.stats import binom

from scaling.errors import FitError, UsageError
from scaling.fit import EstimationOptions, Fit, compare_laws, fit, size_for_error
from tests.fit.planted_laws import bare_points, curve, plant

WIDE = (1, 2, 3, 4, 6, 8, 12, 16)
LAWS = ((0.4, 0.5, 0.0), (0.25, 0.3, 0.0))


def studied(law: tuple[float, float, float], k: int, **how: object) -> Fit:
    forms = ("power", "floor") if law[2] else ("power",)
    points = plant(law, np.random.default_rng([8, k]), widths=WIDE, seeds=8, **how)
    return fit(
        points, EstimationOptions(forms=forms, resamplings=200, seed=1, holdout=0), group={"study": str(k)}
    )


@pytest.mark.simulation
def test_intervals_of_difference_and_meeting_hold_the_truth_as_often_as_they_say():
    place = brentq(
        lambda x: float(curve(np.array([x]), LAWS[0])[0] - curve(np.array([x]), LAWS[1])[0]), 1, 100
    )
    studies, held = 250, {"difference": 0, "meeting": 0}
    for k in range(studies):
        found = compare_laws(studied(LAWS[0], 2 * k), studied(LAWS[1], 2 * k + 1))
        held["difference"] += found.difference.low <= 0.2 <= found.difference.high
        held["meeting"] += found.crossing.low <= place <= found.crossing.high
    for found in held.values():
        # Honest intervals fail either bound once in 10,000 repeats or less.
        assert binom.ppf(1e-4, studies, 0.93) <= found
        assert found <= binom.isf(1e-4, studies, 0.97)


def test_equal_exponents_are_shown_where_runs_are_many_and_only_there():
    pairs = [
        (
            studied((0.4, 0.5, 0.0), 900 + k, test_images=test_images),
            studied((0.2, 0.5, 0.0), 950 + k, test_images=test_images),
        )
        for k, test_images in ((0, 10**6), (1, 100))
    ]
    precise, vague = (compare_laws(*pair) for pair in pairs)
    assert precise.equivalent
    assert not vague.equivalent
    assert not compare_laws(
        studied(LAWS[0], 0, test_images=10**6), studied(LAWS[1], 1, test_images=10**6)
    ).equivalent


def test_laws_with_floors_meet_where_a_root_finder_says():
    first, second = (
        studied((0.4, 0.5, 0.02), 0, test_images=10**6),
        studied((0.3, 0.6, 0.05), 1, test_images=10**6),
    )
    found = compare_laws(first, second, form="floor")
    curves = [lambda x, made=made: float(made.laws["floor"].predict(x)) for made in (first, second)]
    root = brentq(lambda x: curves[0](x) - curves[1](x), 1, 1e4)  # below 1 they cross once more
    assert found.crossing.estimate == pytest.approx(
        root, rel=1e-2
    )  # the grid is straight between places 8 % apart
    assert found.interpolated == (1 <= root <= 16)


def test_parallel_laws_do_not_meet():
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
    found = compare_laws(first, second)
    assert (found.crossing, found.interpolated, found.equivalent) == (None, False, True)


def test_the_size_that_an_error_needs_is_the_laws_inverse():
    made = studied((0.4, 0.5, 0.05), 0, test_images=10**6)
    for form in ("power", "floor"):
        at = size_for_error(made, 0.1, form=form)
        assert at.low <= at.estimate <= at.high
        assert float(made.laws[form].predict(at.estimate)) == pytest.approx(0.1)
    assert size_for_error(made, 0.03, form="floor").estimate == np.inf
    assert size_for_error(made, 0.03, form="power").estimate < np.inf


def test_what_cannot_be_compared_is_refused():
    first = studied(LAWS[0], 0)
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
        compare_laws(first, studied(LAWS[0], 1), form="floor")
    with pytest.raises(UsageError, match="above 0"):
        size_for_error(first, 0.0)
    with pytest.raises(UsageError, match="margin: expected a number above 0"):
        compare_laws(first, studied(LAWS[0], 1), margin=0.0)
