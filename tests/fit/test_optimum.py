"""Optima of planted curves: against SciPy, rejections, and intervals that cover the truth at their level."""

from __future__ import annotations

from math import inf, log, sqrt

import numpy as np
import pytest
from scipy.optimize import curve_fit

from scaling.errors import FitError
from scaling.fit import Points, Status
from scaling.fit.optimum import find_optimum

RATIOS = np.array([0.44, 0.88, 1.57, 2.67, 4.4, 7.75, 14.7, 32.5])
IMAGES, SEEDS = 10_000, 8


def plant_curve(
    rng,
    *,
    x_opt: float = 3.0,
    curvature: float = 0.02,
    level: float = 0.4,
    ratios=RATIOS,
    seeds: int = SEEDS,
    spread: float = 1.0,
):
    """Return errors with the smallest mean at ``x_opt``; seeds scatter ``spread`` times as far as counts."""
    x = np.repeat(ratios, seeds)
    mean = level * np.exp(curvature * np.log(x / x_opt) ** 2)
    y = mean + spread * np.sqrt(mean * (1 - mean) / IMAGES) * rng.standard_normal(len(x))
    return Points(
        x_name="ratio", y_name="test_error", x=x, y=np.round(y * IMAGES) / IMAGES, test_images=IMAGES
    )


def test_the_parabola_agrees_with_scipy():
    points = plant_curve(np.random.default_rng(7))
    optimum = find_optimum(points)
    means = np.array([points.y[points.x == x].mean() for x in RATIOS])
    std = np.sqrt(means * (1 - means) / IMAGES / SEEDS) / means
    fitted, _ = curve_fit(lambda u, a, b, c: a + b * u + c * u**2, np.log(RATIOS), np.log(means), sigma=std)
    assert optimum.x_opt.estimate == pytest.approx(np.exp(-fitted[1] / (2 * fitted[2])), rel=1e-6)
    assert optimum.curvature.estimate == pytest.approx(fitted[2], rel=1e-6)
    assert optimum.predict(RATIOS) == pytest.approx(
        np.exp(np.polyval(fitted[::-1], np.log(RATIOS))), rel=1e-6
    )
    assert (optimum.status, optimum.reason) == (Status.USABLE, "")


def test_at_the_limits_the_slope_over_its_error_is_the_quantile_of_students_t():
    optimum = find_optimum(plant_curve(np.random.default_rng(1)))
    for end in (optimum.x_opt.low, optimum.x_opt.high):
        u = log(end) - optimum.center
        slope, by = optimum.coefficients[1] + 2 * optimum.coefficients[2] * u, np.array([0, 1, 2 * u])
        assert abs(slope) / sqrt(by @ optimum.covariance @ by) == pytest.approx(
            2.0, abs=0.05
        )  # with at least 50 degrees of freedom


@pytest.mark.simulation
@pytest.mark.parametrize(
    ("spread", "seeds", "ratios"), [(1.0, 8, RATIOS), (2.0, 4, RATIOS), (0.6, 8, RATIOS[1:6])]
)
def test_intervals_cover_the_planted_optimum(spread, seeds, ratios):
    rng, studies = np.random.default_rng(2), 600
    n_covered = 0
    for _ in range(studies):
        optimum = find_optimum(plant_curve(rng, spread=spread, seeds=seeds, ratios=ratios, curvature=0.04))
        n_covered += optimum.x_opt.low <= 3.0 <= optimum.x_opt.high
    # Four sigma of a count. The residual dispersion also replaces that of the runs if it is larger by chance,
    # so that the coverage may be a little too high.
    sigma = sqrt(studies * 0.95 * 0.05)
    assert 0.95 * studies - 4 * sigma < n_covered < 0.95 * studies + 4.5 * sigma


@pytest.mark.simulation
def test_the_error_relative_to_the_minimum_covers_the_truth():
    rng, studies, n_covered = np.random.default_rng(3), 200, 0
    truth = np.exp(0.04 * np.log(1.0 / 3.0) ** 2)
    for _ in range(studies):
        ratio = find_optimum(plant_curve(rng, curvature=0.04)).relative_to_minimum(1.0)
        n_covered += ratio.low <= truth <= ratio.high
    assert n_covered > 0.95 * studies - 4 * sqrt(studies * 0.95 * 0.05)
    optimum = find_optimum(plant_curve(rng, curvature=0.04))
    assert optimum.relative_to_minimum(optimum.x_opt.estimate).low == 1
    assert optimum.relative_to_minimum(optimum.x_opt.estimate).estimate == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"curvature": 0.0}, "the curvature is not clearly positive"),
        ({"curvature": -0.02}, "the curvature is not clearly positive"),
        ({"x_opt": 300.0}, "the optimum lies outside the values of ratio"),
        ({"ratios": RATIOS[2:5]}, "3 values of ratio for 3 parameters: any data would fit"),
    ],
)
def test_an_optimum_that_is_not_bracketed_is_rejected(changed, reason):
    optimum = find_optimum(plant_curve(np.random.default_rng(4), **changed))
    assert optimum.status is Status.REJECTED
    assert optimum.reason.startswith(reason)
    if "curvature" in changed:
        assert (optimum.x_opt.low, optimum.x_opt.high) == (0, inf)


def test_few_values_few_seeds_and_a_misfit_are_reasons_for_caution():
    rng = np.random.default_rng(5)
    few_values = find_optimum(plant_curve(rng, ratios=RATIOS[[0, 2, 4, 7]], seeds=2, curvature=0.1))
    assert few_values.status is Status.CAUTION
    assert few_values.reason == "fewer than 5 values of ratio; fewer than 4 runs at a value"
    near_edge = find_optimum(plant_curve(np.random.default_rng(1), x_opt=30.0))
    assert "the interval reaches beyond" in near_edge.reason
    points = plant_curve(rng)
    misfit = Points(
        **{
            **vars(points),
            "y": 0.4 * np.maximum(1, points.x / 8) ** 0.3 + 0.001 * rng.standard_normal(len(points.x)),
        }
    )
    assert "from the parabola as their seeds explain" in find_optimum(misfit).reason


def test_points_without_a_parabola_are_rejected():
    points = plant_curve(np.random.default_rng(6), ratios=RATIOS[:2])
    with pytest.raises(FitError, match=r"needs at least 3 values of ratio, not 2; add values$"):
        find_optimum(points)
    zero = Points(
        x_name="ratio",
        y_name="test_error",
        x=np.array([1.0, 2, 3, 4]),
        y=np.array([0.1, 0, 0.1, 0.2]),
        test_images=10,
    )
    with pytest.raises(FitError, match=r"no run made an error at ratio 2"):
        find_optimum(zero)
