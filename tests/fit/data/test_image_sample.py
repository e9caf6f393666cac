"""Test images as a sample: variance of the means on other images, and coverage of the law of all images of a
kind.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from scaling.fit import EstimationOptions, Points, fit
from scaling.fit.data.image_sample import resample_images, seed_std_fraction
from scaling.fit.data.variance import KNOWN_DOF, Dispersion, DispersionSource
from scaling.fit.estimation.bootstrap import resample_means
from tests.fit.planted_laws import WIDTHS, curve

LAW = (0.28, 0.5, 0.0)
SEEDS, IMAGES = 6, 800
HARD, EASIER, HARDER = 0.2, 0.5, 3.0
"""One image in five is three times as hard as the mean, the others half as hard: 0.2 * 3 + 0.8 * 0.5 = 1."""
SPREAD = 0.04
"""Relative standard deviation of the error rate over seeds."""
KNOWN_DISPERSION = Dispersion(value=1.0, dof=KNOWN_DOF, source=DispersionSource.RUNS)


def planted(rng: np.random.Generator, *, widths=WIDTHS, seeds: int = SEEDS, images: int = IMAGES) -> Points:
    """Return a study with the same images for all widths."""
    x = np.repeat(np.array(widths, dtype=float), seeds)
    difficulty = np.where(rng.random(images) < HARD, HARDER, EASIER)
    rate = curve(x, LAW) * (1 + SPREAD * rng.standard_normal(len(x)))
    misclassified = rng.random((len(x), images)) < np.outer(rate, difficulty).clip(0, 1)
    return Points(
        x_name="filters",
        y_name="test_error",
        x=x,
        y=misclassified.mean(axis=1),
        test_images=images,
        misclassified=misclassified,
    )


def with_fixed_images(points: Points) -> Points:
    """Return the same runs, without treating the images as a sample."""
    return Points(
        x_name=points.x_name, y_name=points.y_name, x=points.x, y=points.y, test_images=points.test_images
    )


def test_variance_components_equal_plain_loops():
    points = planted(np.random.default_rng(0), widths=(1, 4), seeds=3, images=40)
    for width, fraction in enumerate(seed_std_fraction(points)):
        table = points.misclassified[points.width_index == width].astype(float)
        runs, images, grand = len(table), len(table[0]), table.mean()
        interaction = sum(
            (table[s, i] - table[s].mean() - table[:, i].mean() + grand) ** 2
            for s in range(runs)
            for i in range(images)
        ) / ((runs - 1) * (images - 1))
        run_variance = sum((table[s].mean() - grand) ** 2 for s in range(runs)) / (runs - 1)
        assert fraction == pytest.approx(
            np.sqrt(max(0, 1 - interaction / images / run_variance)), rel=1e-4
        )  # the implementation uses float32


@pytest.mark.simulation
def test_resampled_variance_equals_that_of_new_studies():
    """Compare the variance of resampled means, on average over studies, with that of many simulated
    studies.
    """
    rng, repeats = np.random.default_rng(1), 300
    simulated = np.array([planted(rng, widths=(2,)).means[0] for _ in range(repeats)])
    resampled = []
    for k in range(40):
        points = planted(np.random.default_rng([2, k]), widths=(2,))
        means = resample_means(points, points.means, dispersion=KNOWN_DISPERSION, draws=400, seed=k)
        resampled.append(means[:, 0].var())
    # The variance of `repeats` normal values has a relative standard error of sqrt(2 / repeats), 8 %; four of
    # them.
    assert np.mean(resampled) == pytest.approx(simulated.var(), rel=4 * np.sqrt(2 / repeats))


def test_one_draw_of_images_serves_all_widths_and_groups():
    first, second = (planted(np.random.default_rng(k)) for k in (3, 3))
    np.testing.assert_array_equal(resample_images(first, 50, 7), resample_images(second, 50, 7))
    assert (resample_images(first, 50, 7) != resample_images(first, 50, 8)).any()
    # Hard images are hard at every width, so that the widths are correlated.
    correlations = np.corrcoef(resample_images(first, 2000, 7).T)
    assert correlations[np.triu_indices(len(WIDTHS), 1)].min() > 0.1


@pytest.mark.simulation
def test_only_intervals_over_images_cover_the_law_of_all_images():
    studies, covered = 200, {"population": 0, "fixed": 0}
    for k in range(studies):
        points = planted(np.random.default_rng([4, k]))
        for name, sample in (("population", points), ("fixed", with_fixed_images(points))):
            amplitude = (
                fit(sample, EstimationOptions(forms=("power",), holdout=0, resamplings=200, seed=k))
                .laws["power"]
                .parameters["amplitude"]
            )
            covered[name] += amplitude.low <= LAW[0] <= amplitude.high
    # A coverage of 95 % fails the first line once in 10,000 repeats; the second line excludes 90 % at the
    # same level.
    assert covered["population"] >= binom.ppf(1e-4, studies, 0.95)
    assert covered["fixed"] < binom.ppf(1e-4, studies, 0.90)


def test_the_estimand_names_the_images():
    points = planted(np.random.default_rng(0))
    assert (
        fit(points, EstimationOptions(resamplings=20)).estimand
        == "mean error over seeds and over images like those of this test set"
    )
    assert (
        fit(with_fixed_images(points), EstimationOptions(resamplings=20)).estimand
        == "mean error over seeds, on this test set"
    )


def test_groups_share_images_but_not_seeds():
    """Two groups with unrelated images: a common draw of images causes no correlation, a common draw of seeds
    would.
    """
    draws = []
    for label in ("a", "b"):
        rng = np.random.default_rng(label == "b")
        points = planted(rng, seeds=2, images=4000)
        draws.append(
            fit(points, EstimationOptions(forms=("power",), resamplings=2000), group={"of": label})
            .laws["power"]
            .draws[:, 1]
        )
    assert abs(np.corrcoef(draws)[0, 1]) < 0.25
