"""What is known of the scatter of means: from runs, from orders where these differ, from the law where there is one order alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scaling.fit import EstimationOptions, Points, fit
from scaling.fit.data.dispersion import law_dispersion
from scaling.fit.data.variance import DispersionSource
from tests.fit.planted_laws import WIDTHS, bare, curve, plant

LAW = (0.4, 0.5, 0.0)


def ordered(effect: float, *, orders: int, seeds: int = 8, rng: np.random.Generator) -> Points:
    """Studies of several orders of so many seeds each, at each width with effects of their own."""
    drawn = plant(LAW, rng, seeds=orders * seeds, test_images=10_000)
    order = np.tile(np.repeat(np.arange(orders), seeds), len(WIDTHS))
    effects = 1 + effect * rng.standard_normal((len(WIDTHS), orders))
    return replace(drawn, y=drawn.y * effects[drawn.width_index, order], order=order)


def test_orders_that_differ_tell_the_scatter():
    points = ordered(0.03, orders=2, rng=np.random.default_rng(0))
    known = points.replicate_dispersion
    assert (known.source, known.dof) == (DispersionSource.ORDERS, len(WIDTHS))
    # By hand: means of orders about the mean of their width, over the binomial variance of a mean of 8.
    means = np.array(
        [
            [points.y[(points.width_index == w) & (points.order == o)].mean() for o in range(2)]
            for w in range(len(WIDTHS))
        ]
    )
    variance = points.variance_model.variance(points.means)
    expected = (8 * ((means - points.means[:, None]) ** 2).sum(axis=1) / variance).sum() / len(WIDTHS)
    assert known.value == pytest.approx(expected)
    assert known.inflation == pytest.approx(np.sqrt(expected / points.run_dispersion.value))


def test_orders_that_do_not_differ_leave_the_runs():
    found = [
        ordered(0.0, orders=2, rng=np.random.default_rng(k)).replicate_dispersion.source for k in range(60)
    ]
    assert found.count(DispersionSource.ORDERS) <= 26  # a quarter of 60; more with a probability of 1e-3


def test_one_order_is_seen_by_how_the_means_lie():
    points = ordered(0.03, orders=1, rng=np.random.default_rng(1))
    assert points.replicate_dispersion.source is DispersionSource.RUNS
    known = law_dispersion(points, curve(points.widths, LAW), 2)
    assert (known.source, known.dof) == (DispersionSource.CURVE, len(WIDTHS) - 2)
    assert known.inflation > 2


def test_intervals_hold_the_truth_though_orders_differ():
    studies, held, naive = 150, 0, 0
    for k in range(studies):
        points = ordered(0.02, orders=2, rng=np.random.default_rng([2, k]))
        for order, kept in ((points.order, "held"), (None, "naive")):
            exponent = (
                fit(
                    replace(points, order=order),
                    EstimationOptions(forms=("power",), holdout=0, resamplings=200, seed=k),
                )
                .laws["power"]
                .parameters["exponent"]
            )
            inside = exponent.low <= LAW[1] <= exponent.high
            held, naive = held + (inside and kept == "held"), naive + (inside and kept == "naive")
    assert held >= 133  # 95 % of 150; fewer with a probability of 1e-3


def test_stated_deviations_are_taken_as_they_are():
    x = np.array([1.0, 2, 4, 8, 16, 32, 32])
    points = replace(bare(x, 2 / x), known_std=np.array([0.1, 0.1, 0.05, 0.02, 0.02, 0.01, 0.02]))
    known = points.replicate_dispersion
    assert (known.source, known.value, known.inflation) == (DispersionSource.KNOWN, 1.0, 1.0)
    np.testing.assert_allclose(points.weights[-1], 1 / 0.01**2 + 1 / 0.02**2)
    found = fit(points, EstimationOptions(resamplings=200))
    assert found.notes[0] == "The standard deviations of loss are taken as given."


def test_stated_deviations_give_the_least_squares_interval():
    """Against SciPy's covariance with absolute_sigma."""
    from scipy.optimize import curve_fit

    rng, x = np.random.default_rng(0), np.array([1.0, 2, 4, 8, 16, 32, 64])
    sigma = 0.01 / np.sqrt(x)
    points = replace(bare(x, 2 * x**-0.5 + sigma * rng.standard_normal(len(x))), known_std=sigma)
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
    )  # quantiles of 4,000 draws are known to 2 %
