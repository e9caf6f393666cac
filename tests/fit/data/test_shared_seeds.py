"""Seeds that are crossed with widths: found if they deviate alike, and then resampled as a whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom

from scaling.fit import Points
from scaling.fit.data.shared_seeds import crossed_deviations, has_shared_seeds
from scaling.fit.data.variance import Dispersion, DispersionSource
from scaling.fit.estimation.bootstrap import resample_means, student_inflation
from tests.fit.planted_laws import plant

WIDE = (1, 2, 3, 4, 6, 8, 12, 16)
SEEDS = 8


def plant_seeds(slope_std: float, *seed: int, seeds: int = SEEDS) -> Points:
    """Return a study whose seeds have a relative slope in log x of their own."""
    rng = np.random.default_rng(seed)
    points = plant((0.4, 0.5, 0.0), rng, widths=WIDE, seeds=seeds, test_images=10_000)
    number = np.tile(np.arange(seeds), len(WIDE))
    log_x = np.log(points.x) - np.log(points.x).mean()
    y = points.y * (1 + slope_std * rng.standard_normal(seeds)[number] * log_x)
    return replace(points, y=y, seed=number)


def test_deviations_are_arranged_by_seed():
    points = plant_seeds(0.0, 0)
    expected = points.y.reshape(len(WIDE), SEEDS).T - points.means
    np.testing.assert_allclose(crossed_deviations(points), expected, atol=1e-15)
    shuffled = np.random.default_rng(1).permutation(len(points.y))
    columns = {name: getattr(points, name)[shuffled] for name in ("x", "y", "seed")}
    np.testing.assert_allclose(crossed_deviations(replace(points, **columns)), expected, atol=1e-15)


def test_seeds_that_are_missing_somewhere_are_not_crossed():
    points = plant_seeds(0.0, 0)
    assert crossed_deviations(replace(points, seed=None)) is None
    columns = {name: getattr(points, name)[1:] for name in ("x", "y", "seed")}
    assert crossed_deviations(replace(points, **columns)) is None


@pytest.mark.parametrize(
    ("seeds", "slope_std", "least", "most"),
    [(8, 0.0, 0.0, 0.25), (8, 0.05, 0.98, 1.0), (4, 0.0, 0.0, 0.5), (4, 0.01, 0.6, 1.0)],
)
def test_shared_slopes_are_found_and_independent_seeds_rarely(seeds, slope_std, least, most):
    """The F tests of few seeds are more lenient; the limits are those of the tests' levels and powers."""
    studies = 100
    found = sum(has_shared_seeds(plant_seeds(slope_std, 2, k, seeds=seeds)) for k in range(studies))
    assert binom.ppf(1e-4, studies, least) <= found <= binom.isf(1e-4, studies, most)


def test_resampled_means_have_the_covariance_of_the_seeds():
    points = plant_seeds(0.05, 3)
    draws = resample_means(
        points,
        points.means,
        dispersion=Dispersion(value=1.0, dof=SEEDS - 1, source=DispersionSource.SEEDS),
        draws=40_000,
        seed=0,
    )
    inflation = student_inflation(SEEDS - 1)
    expected = np.cov(crossed_deviations(points).T) / SEEDS * inflation**2
    measured = np.cov((points.means * np.log(draws / points.means)).T)
    np.testing.assert_allclose(measured, expected, atol=0.05 * np.abs(expected).max())
