"""Crossings of planted laws: against a root finder, for laws of one form and of two."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

from scaling.fit import EstimationOptions, Fit, find_crossing, fit
from tests.fit.planted_laws import bare_points, plant

WIDE = (1, 2, 3, 4, 6, 8, 12, 16)


def fit_planted(law: tuple[float, float, float], k: int) -> Fit:
    points = plant(law, np.random.default_rng([8, k]), widths=WIDE, seeds=8, test_images=10**6)
    return fit(points, EstimationOptions(resamplings=200, seed=1, holdout=0), group={"study": str(k)})


def test_laws_of_two_forms_cross_where_their_curves_do():
    pure, floored = fit_planted((0.5, 0.5, 0.0), 0), fit_planted((0.2, 0.5, 0.1), 1)
    laws = pure.laws["power"], floored.laws["floor"]
    x_cross = find_crossing(pure, floored, laws=laws).x_cross.estimate
    assert x_cross == pytest.approx(9, rel=0.05)  # 0.3 x^-0.5 = 0.1
    assert float(laws[0].predict(x_cross)) == pytest.approx(float(laws[1].predict(x_cross)), rel=1e-2)


def test_laws_with_floors_cross_where_a_root_finder_says():
    first, second = fit_planted((0.4, 0.5, 0.02), 0), fit_planted((0.3, 0.6, 0.05), 1)
    laws = first.laws["floor"], second.laws["floor"]
    crossing = find_crossing(first, second, laws=laws)
    # The curves cross once more below 1.
    root = brentq(lambda x: float(laws[0].predict(x) - laws[1].predict(x)), 1, 1e4)
    # The curves are interpolated between sizes that are 8 % apart.
    assert crossing.x_cross.estimate == pytest.approx(root, rel=1e-2)
    assert crossing.interpolated == (1 <= root <= 16)


def test_parallel_laws_do_not_cross():
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
    crossing = find_crossing(first, second, laws=(first.laws["power"], second.laws["power"]))
    assert (crossing.x_cross, crossing.interpolated, crossing.cost_ratios) == (None, False, {})
