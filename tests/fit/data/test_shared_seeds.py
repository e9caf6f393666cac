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


def without(points: Points, missing: np.ndarray) -> Points:
    """Return the points without some runs."""
    columns = {name: getattr(points, name)[~missing] for name in ("x", "y", "seed")}
    return replace(points, **columns)


def test_a_missing_run_leaves_the_other_deviations_of_its_seed():
    points = plant_seeds(0.0, 0)
    partial = without(points, np.arange(len(points.y)) == 3)
    deviations = crossed_deviations(partial)
    assert np.argwhere(np.isnan(deviations)).tolist() == [[3, 0]]
    np.testing.assert_array_equal(deviations[:, 1:], crossed_deviations(points)[:, 1:])
    np.testing.assert_allclose(np.nanmean(deviations, axis=0), 0, atol=1e-15)


def test_seeds_that_are_not_shared_are_not_crossed():
    points = plant_seeds(0.0, 0)
    assert crossed_deviations(replace(points, seed=None)) is None
    # Seeds of their own at each width, two runs of one seed at a width, and a width with two runs.
    assert crossed_deviations(replace(points, seed=np.arange(len(points.y)))) is None
    assert crossed_deviations(replace(points, seed=points.seed // 2)) is None
    assert crossed_deviations(without(points, (points.x == WIDE[2]) & (points.seed > 1))) is None


@pytest.mark.parametrize(
    ("seeds", "slope_std", "least", "most"),
    [(8, 0.0, 0.0, 0.25), (8, 0.05, 0.98, 1.0), (4, 0.0, 0.0, 0.5), (4, 0.01, 0.6, 1.0)],
)
def test_shared_slopes_are_found_and_independent_seeds_rarely(seeds, slope_std, least, most):
    """The F tests of few seeds are more lenient; the limits are those of the tests' levels and powers."""
    studies = 100
    found = sum(has_shared_seeds(plant_seeds(slope_std, 2, k, seeds=seeds)) for k in range(studies))
    assert binom.ppf(1e-4, studies, least) <= found <= binom.isf(1e-4, studies, most)


@pytest.mark.parametrize(("missing", "least"), [(1, 0.98), (6, 0.9)])
def test_shared_slopes_are_found_although_runs_are_missing(missing, least):
    studies, shared, independent = 100, 0, 0
    for study in range(studies):
        lost = np.zeros(SEEDS * len(WIDE), dtype=bool)
        lost[np.random.default_rng([4, study]).choice(len(lost), missing, replace=False)] = True
        shared += has_shared_seeds(without(plant_seeds(0.05, 5, study), lost))
        independent += has_shared_seeds(without(plant_seeds(0.0, 5, study), lost))
    assert shared >= binom.ppf(1e-4, studies, least)
    assert independent <= binom.isf(1e-4, studies, 0.25)


@pytest.mark.parametrize("missing", [0, 1, 6])
def test_resampled_means_have_the_covariance_of_the_seeds(missing):
    """Runs that two widths share make their means vary together, whatever runs are missing."""
    points = plant_seeds(0.05, 3)
    lost = np.zeros(len(points.y), dtype=bool)
    lost[np.random.default_rng(6).choice(len(lost), missing, replace=False)] = True
    points = without(points, lost)
    draws = resample_means(
        points,
        points.means,
        dispersion=Dispersion(value=1.0, dof=SEEDS - 1, source=DispersionSource.SEEDS),
        draws=40_000,
        seed=0,
    )
    inflation = student_inflation(SEEDS - 1)
    deviations, n = np.nan_to_num(crossed_deviations(points)), points.counts
    pairs = np.sqrt(np.outer(n * (n - 1), n * (n - 1)))
    expected = deviations.T @ deviations / pairs * inflation**2
    measured = np.cov((points.means * np.log(draws / points.means)).T)
    np.testing.assert_allclose(measured, expected, atol=0.05 * np.abs(expected).max())
