"""Dispersion of the means: from the runs, from the orders if they differ, and from the law with a single
order.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scaling.fit import EstimationOptions, Points, fit
from scaling.fit.data.dispersion import law_dispersion
from scaling.fit.data.variance import DispersionSource
from tests.fit.planted_laws import WIDTHS, bare_points, curve, plant

LAW = (0.4, 0.5, 0.0)


def with_orders(effect: float, *, orders: int, seeds: int = 8, rng: np.random.Generator) -> Points:
    """Return a study with several orders of ``seeds`` seeds each, whose effects differ at each width."""
    points = plant(LAW, rng, seeds=orders * seeds, test_images=10_000)
    order = np.tile(np.repeat(np.arange(orders), seeds), len(WIDTHS))
    effects = 1 + effect * rng.standard_normal((len(WIDTHS), orders))
    return replace(points, y=points.y * effects[points.width_index, order], order=order)


def test_orders_that_differ_give_the_dispersion():
    points = with_orders(0.03, orders=2, rng=np.random.default_rng(0))
    dispersion = points.replicate_dispersion
    assert (dispersion.source, dispersion.dof) == (DispersionSource.ORDERS, len(WIDTHS))
    # Variance of the means of orders about the mean of their width, over the binomial variance of a mean of
    # 8.
    means = np.array(
        [
            [points.y[(points.width_index == w) & (points.order == o)].mean() for o in range(2)]
            for w in range(len(WIDTHS))
        ]
    )
    variance = points.variance_model.variance(points.means)
    expected = (8 * ((means - points.means[:, None]) ** 2).sum(axis=1) / variance).sum() / len(WIDTHS)
    assert dispersion.value == pytest.approx(expected)
    assert dispersion.inflation == pytest.approx(np.sqrt(expected / points.run_dispersion.value))


def test_orders_that_do_not_differ_leave_the_dispersion_of_the_runs():
    sources = [
        with_orders(0.0, orders=2, rng=np.random.default_rng(k)).replicate_dispersion.source
        for k in range(60)
    ]
    assert sources.count(DispersionSource.ORDERS) <= 26  # a quarter of 60; more with a probability of 1e-3


def test_with_one_order_the_residuals_give_the_dispersion():
    points = with_orders(0.03, orders=1, rng=np.random.default_rng(1))
    assert points.replicate_dispersion.source is DispersionSource.RUNS
    dispersion = law_dispersion(points, curve(points.widths, LAW), 2)
    assert (dispersion.source, dispersion.dof) == (DispersionSource.CURVE, len(WIDTHS) - 2)
    assert dispersion.inflation > 2


@pytest.mark.simulation
def test_intervals_cover_the_truth_if_orders_differ():
    studies, covered = 150, 0
    for k in range(studies):
        points = with_orders(0.02, orders=2, rng=np.random.default_rng([2, k]))
        options = EstimationOptions(forms=("power",), holdout=0, resamplings=200, seed=k)
        exponent = fit(points, options).laws["power"].parameters["exponent"]
        covered += exponent.low <= LAW[1] <= exponent.high
    assert covered >= 133  # 95 % of 150; fewer with a probability of 1e-3


def test_known_standard_deviations_are_the_weights():
    x = np.array([1.0, 2, 4, 8, 16, 32, 32])
    points = replace(bare_points(x, 2 / x), known_std=np.array([0.1, 0.1, 0.05, 0.02, 0.02, 0.01, 0.02]))
    dispersion = points.replicate_dispersion
    assert (dispersion.source, dispersion.value, dispersion.inflation) == (DispersionSource.KNOWN, 1.0, 1.0)
    np.testing.assert_allclose(points.weights[-1], 1 / 0.01**2 + 1 / 0.02**2)
    fitted = fit(points, EstimationOptions(resamplings=200))
    assert fitted.notes[0] == "The standard deviations of loss are taken as given."


def test_known_standard_deviations_give_the_least_squares_interval():
    """Compare with the covariance of SciPy with absolute_sigma."""
    from scipy.optimize import curve_fit

    rng, x = np.random.default_rng(0), np.array([1.0, 2, 4, 8, 16, 32, 64])
    sigma = 0.01 / np.sqrt(x)
    points = replace(bare_points(x, 2 * x**-0.5 + sigma * rng.standard_normal(len(x))), known_std=sigma)
    law = fit(points, EstimationOptions(forms=("power",), resamplings=4000)).laws["power"]
    best, covariance = curve_fit(
        lambda x, a, rho: a * x**-rho,
        points.x,
        points.y,
        (1, 0.3),
        sigma,
        absolute_sigma=True,
        xtol=1e-14,
        ftol=1e-14,
    )
    assert law.parameters["exponent"].estimate == pytest.approx(best[1], rel=1e-6)
    half = (law.parameters["exponent"].high - law.parameters["exponent"].low) / 2
    assert half == pytest.approx(
        1.96 * np.sqrt(covariance[1, 1]), rel=0.06
    )  # quantiles of 4,000 draws have a standard error of 2 %
