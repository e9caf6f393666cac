"""Optima of planted curves: against SciPy, statuses, and intervals that cover the truth at their level."""

from __future__ import annotations

from dataclasses import replace
from math import exp, inf, sqrt

import numpy as np
import pytest
from scipy.optimize import least_squares, minimize_scalar

from scaling.errors import FitError
from scaling.fit import Points, Status
from scaling.fit.interval import student_quantile
from scaling.fit.optimum import find_optimum
from simulations.optimum import IMAGES, SEEDS, VALUES, Valley, polynomial_minimum

VALLEY = Valley(lowest=0.35, fall=0.25, rise=0.5, position=0.5, floor=0.3)


def plant(valley: Valley = VALLEY, *, seed: int = 0, values=VALUES, seeds: int = SEEDS, order=None) -> Points:
    """Return error counts of a planted curve, with 0.6 times the variance of a binomial."""
    rng, x = np.random.default_rng(seed), np.repeat(values, seeds)
    mean = valley.means(x)
    errors = rng.normal(IMAGES * mean, np.sqrt(0.6 * IMAGES * mean * (1 - mean))).round().clip(0, IMAGES)
    return Points(
        x_name="ratio", y_name="test_error", x=x, y=errors / IMAGES, test_images=IMAGES, order=order
    )


def two_powers(parameters, x):
    """Return E + M (q z^-p + p z^q) / (p + q), where z is x over the optimum."""
    x_opt, p, q, amplitude = np.exp(parameters[:4])
    z = x / x_opt
    return parameters[4] + amplitude * (q * z**-p + p * z**q) / (p + q)


def residuals(parameters, points, fitted):
    std = np.sqrt(points.variance_model.variance(fitted) / points.counts)
    return (two_powers(parameters, points.widths) - points.means) / std


def scipy_fit(points, fitted, *, log_x_opt=None):
    """Return the least sum of squares over several starts, of all curves or of those with one x_opt."""
    free = [1, 2, 3, 4] if log_x_opt is not None else [0, 1, 2, 3, 4]
    low = np.array([-np.inf, np.log(0.01), np.log(0.01), np.log(1e-6), 0])[free]
    high = np.array([np.inf, np.log(8), np.log(8), np.inf, np.inf])[free]

    def loss(parameters):
        return residuals(
            parameters if log_x_opt is None else np.append(log_x_opt, parameters), points, fitted
        )

    starts = [
        np.array(
            [np.log(x), np.log(p), np.log(q), np.log(0.5 * points.means.min()), 0.4 * points.means.min()]
        )
        for x in VALUES[[3, 4]]
        for p, q in ((0.2, 0.4), (0.6, 0.6))
    ]
    fits = [
        least_squares(loss, start[free], bounds=(low, high), x_scale="jac", max_nfev=200) for start in starts
    ]
    return min(fits, key=lambda fit: fit.cost)


@pytest.mark.parametrize("seed", range(2))
def test_the_curve_and_its_interval_agree_with_scipy(seed):
    points = plant(seed=seed)
    optimum = find_optimum(points)
    fitted = optimum.predict(points.widths)
    best = scipy_fit(points, fitted)
    own = ((fitted - points.means) ** 2 * points.counts / points.variance_model.variance(fitted)).sum()
    assert own == pytest.approx(2 * best.cost, abs=0.01)
    assert optimum.curve.log_x_opt[0] == pytest.approx(best.x[0], abs=0.02)
    assert fitted == pytest.approx(two_powers(best.x, points.widths), rel=1e-3)
    # At a limit, the best curve with its minimum there fits worse by the quantile.
    allowed = optimum.dispersion.value * float(student_quantile(optimum.dispersion.dof)) ** 2
    width = np.log(optimum.x_opt.high / optimum.x_opt.low)
    for limit, outward in ((optimum.x_opt.low, -1), (optimum.x_opt.high, 1)):
        inside, outside = (
            2 * scipy_fit(points, fitted, log_x_opt=np.log(limit) + outward * step * width).cost - own
            for step in (-0.05, 0.03)
        )
        assert inside < allowed < outside


@pytest.mark.parametrize("valley", [VALLEY, replace(VALLEY, floor=0.0), replace(VALLEY, lowest=0.03, fall=1)])
def test_a_curve_without_noise_is_recovered(valley):
    points = plant(valley)
    exact = Points(
        **{
            **vars(points),
            "y": valley.means(points.x) * np.tile([0.999, 1.001], len(points.x) // 2),
            "test_images": None,
        }
    )
    optimum = find_optimum(exact)
    assert optimum.x_opt.estimate == pytest.approx(valley.x_opt, rel=0.01)
    assert optimum.curve.fall[0] == pytest.approx(valley.fall, rel=0.2)
    assert optimum.curve.rise[0] == pytest.approx(valley.rise, rel=0.2)
    assert optimum.curve.lowest[0] == pytest.approx(valley.lowest, rel=1e-3)
    assert optimum.curve.floor[0] == pytest.approx(valley.floor * valley.lowest, abs=0.25 * valley.lowest)
    lowest = minimize_scalar(lambda u: float(optimum.predict(exp(u))), bounds=(-0.5, 3.5), method="bounded")
    assert optimum.curve.log_x_opt[0] == pytest.approx(lowest.x, abs=1e-3)


@pytest.mark.simulation
@pytest.mark.parametrize("lowest", [0.35, 0.03])
@pytest.mark.parametrize("ratio", [0.25, 1, 4])
def test_intervals_cover_the_planted_optimum(lowest, ratio):
    mean_exponent, studies = 0.25 if lowest > 0.1 else 0.5, 2
    covered, estimates = [], []
    for position in (0.3, 0.5, 0.7):
        for floor in (0.0, 0.5):
            fall, rise = mean_exponent * sqrt(ratio), mean_exponent / sqrt(ratio)
            valley = Valley(lowest=lowest, fall=fall, rise=rise, position=position, floor=floor)
            for study in range(studies):
                optimum = find_optimum(plant(valley, seed=study), resamplings=30)
                covered.append(optimum.x_opt.low <= valley.x_opt <= optimum.x_opt.high)
                estimates.append(np.log(optimum.x_opt.estimate / valley.x_opt))
                assert optimum.status is not Status.REJECTED
    n, sigma = len(covered), sqrt(len(covered) * 0.95 * 0.05)
    assert sum(covered) > 0.95 * n - 3 * sigma
    assert abs(np.median(estimates)) < 0.02 + 3 * 1.25 * np.std(estimates) / sqrt(n)


@pytest.mark.simulation
def test_the_parabola_that_was_replaced_is_biased():
    valley = Valley(lowest=0.35, fall=0.125, rise=0.5, position=0.5, floor=0.0)
    intervals = [polynomial_minimum(plant(valley, seed=study), 2) for study in range(20)]
    assert not any(interval.low <= valley.x_opt <= interval.high for interval in intervals)


def test_polynomials_agree_with_numpy():
    points = plant()
    x, means = points.widths, points.means
    weights = np.sqrt(points.counts * means**2 / points.variance_model.variance(means))
    coefficients = np.polyfit(np.log(x), np.log(means), 3, w=weights)
    grid = np.linspace(np.log(x[0]), np.log(x[-1]), 100_001)
    expected = exp(grid[np.polyval(coefficients, grid).argmin()])
    assert polynomial_minimum(points, 3).estimate == pytest.approx(expected, rel=0.01)


@pytest.mark.simulation
def test_the_error_relative_to_the_minimum_covers_the_truth():
    studies, truth, n_covered = 20, VALLEY.means(np.array([1.0]))[0] / VALLEY.lowest, 0
    for study in range(studies):
        ratio = find_optimum(plant(seed=study), resamplings=80).relative_to_minimum(1.0)
        n_covered += ratio.low <= truth <= ratio.high
    assert n_covered > 0.95 * studies - 3 * sqrt(studies * 0.95 * 0.05)


def test_the_error_at_the_optimum_is_the_lowest():
    optimum = find_optimum(plant())
    ratio = optimum.relative_to_minimum(exp(optimum.curve.log_x_opt[0]))
    assert (ratio.low, ratio.estimate) == (1, pytest.approx(1))
    low, high = optimum.band(VALUES)
    assert (low < optimum.predict(VALUES)).all()
    assert (optimum.predict(VALUES) < high).all()
    assert optimum.lowest.low < VALLEY.lowest < optimum.lowest.high


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (
            {"position": -0.2, "lowest": 0.1, "fall": 0.5},
            "the optimum is at the edge, the smallest value of ratio (0.5); add smaller values",
        ),
        (
            {"position": 1.2, "lowest": 0.1},
            "the optimum is at the edge, the largest value of ratio (40); add larger values",
        ),
        ({"fall": 0.01, "rise": 0.01}, "the curvature is not shown"),
    ],
)
def test_an_optimum_that_is_not_bracketed_is_rejected(changed, reason):
    optimum = find_optimum(plant(replace(VALLEY, **changed), seed=3))
    assert optimum.status is Status.REJECTED
    assert optimum.reason.startswith(reason)


def test_a_limit_that_the_data_do_not_show_is_open():
    valley = Valley(lowest=0.03, fall=0.25, rise=0.25, position=0.7, floor=0.5)
    optimum = find_optimum(plant(valley, seed=1))
    assert optimum.status is Status.CAUTION
    assert optimum.x_opt.high == inf
    assert "a minimum at the largest value of ratio, 40, is not rejected" in optimum.reason


def test_few_values_few_seeds_and_a_shared_order_are_reasons_for_caution():
    few = find_optimum(plant(values=VALUES[[0, 2, 4, 5, 7]], seeds=3))
    assert few.status is Status.CAUTION
    assert "fewer than 6 values of ratio; fewer than 4 runs at a value" in few.reason
    reason = "all runs share one order of minibatches, and others may have another optimum"
    shared = find_optimum(plant(order=np.zeros(SEEDS * len(VALUES), dtype=np.int64)))
    assert (shared.status, shared.reason) == (Status.CAUTION, reason)
    several = find_optimum(plant(order=np.tile([0, 0, 1, 1, 2, 2, 3, 3], len(VALUES))))
    assert (several.status, several.reason) == (Status.USABLE, "")


def test_orders_that_differ_widen_the_interval_as_they_widen_those_of_a_fit():
    order = np.tile([0, 0, 1, 1, 2, 2, 3, 3], len(VALUES))
    points = plant(order=order)
    rng = np.random.default_rng(5)
    effects = 1 + 0.02 * rng.standard_normal((len(VALUES), 4))
    shifted = Points(**{**vars(points), "y": points.y * effects[np.repeat(np.arange(8), 8), order]})
    optimum, without = find_optimum(shifted), find_optimum(replace(shifted, order=None))
    assert optimum.dispersion.source.value == "the differences between orders of minibatches"
    assert any(note.startswith("The fitted curve: the means scatter") for note in optimum.notes)
    assert without.dispersion.source.value != optimum.dispersion.source.value


@pytest.mark.parametrize(("outermost", "word"), [(0, "smallest"), (-1, "largest")])
def test_an_optimum_that_rests_on_an_outermost_value_is_used_with_caution(outermost, word):
    points = plant()
    moved = np.where(points.x == VALUES[outermost], points.y * 1.6, points.y)
    optimum = find_optimum(Points(**{**vars(points), "y": moved}))
    kept = points.x != VALUES[outermost]
    without = find_optimum(replace(points, x=points.x[kept], y=points.y[kept]))
    moves = f"leaving out the {word} ratio ({VALUES[outermost]:.3g}) moves the optimum to"
    outside = not optimum.x_opt.low <= exp(without.curve.log_x_opt[0]) <= optimum.x_opt.high
    assert (moves in optimum.reason) == outside


def test_means_far_from_the_curve_are_a_reason_for_caution():
    points = plant()
    waves = 1 + 0.02 * np.where(np.arange(len(VALUES)) % 2, 1, -1)
    optimum = find_optimum(Points(**{**vars(points), "y": points.y * np.repeat(waves, SEEDS)}))
    assert "from the curve as their seeds explain" in optimum.reason


def test_points_without_a_curve_are_refused():
    with pytest.raises(FitError, match=r"needs at least 5 values of ratio, not 4; add values$"):
        find_optimum(plant(values=VALUES[:4]))
    with pytest.raises(FitError, match=r"5 values of ratio without replicates have no interval; add seeds"):
        find_optimum(plant(values=VALUES[:5], seeds=1))
    with pytest.raises(FitError, match="every run has a test_error of 0"):
        find_optimum(replace(plant(), y=np.zeros(SEEDS * len(VALUES))))


def test_a_value_without_errors_is_fitted():
    points = plant(replace(VALLEY, lowest=0.001, fall=1, rise=1))
    optimum = find_optimum(replace(points, y=np.where(points.x == VALUES[4], 0.0, points.y)))
    assert np.isfinite(optimum.predict(VALUES)).all()
