"""Change of the local exponent: limits of curves whose parabola is known."""

from __future__ import annotations

from math import inf

import numpy as np

from scaling.fit import EstimationOptions, fit
from scaling.fit.diagnosis.drift import limit_exponent_drift
from tests.fit.planted_laws import bare_points

SIZES = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])


def test_a_curve_that_is_exactly_flat_has_no_limit():
    """Its logarithms are exactly 0, and so are all coefficients of the parabola."""
    points = bare_points(np.repeat(SIZES, 2), np.tile([0.75, 1.25], len(SIZES)))
    assert limit_exponent_drift(points, points.replicate_dispersion) == inf
    assert fit(points, EstimationOptions(resamplings=20)).verdict.form


def test_the_limit_of_a_power_law_shrinks_with_its_noise():
    limits = []
    for noise in (0.1, 0.001):
        y = np.outer(SIZES**-0.5, [1 - noise, 1 + noise]).ravel()
        points = bare_points(np.repeat(SIZES, 2), y)
        limits.append(limit_exponent_drift(points, points.replicate_dispersion))
    assert limits[1] < 0.05 < limits[0]
