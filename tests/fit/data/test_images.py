"""Images as a sample: the scatter of studies on other images, and intervals that hold what is planted for all images of a kind."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from scaling.fit import EstimationOptions, Points, fit
from scaling.fit.data.images import resample_images, seed_std_fraction
from scaling.fit.data.variance import KNOWN_DOF, Dispersion, DispersionSource
from scaling.fit.estimation.bootstrap import resample_means
from tests.fit.planted_laws import WIDTHS, curve

LAW = (0.28, 0.5, 0.0)
SEEDS, IMAGES = 6, 800
HARD, EASIER, HARDER = 0.2, 0.5, 3.0
"""A fifth of all images is three times as hard as the mean, the rest half as hard: 0.2 * 3 + 0.8 * 0.5 = 1."""
SPREAD = 0.04
"""Of a seed's error rate, relative."""


KNOWN = Dispersion(value=1.0, dof=KNOWN_DOF, source=DispersionSource.RUNS)


def planted(rng: np.random.Generator, *, widths=WIDTHS, seeds: int = SEEDS, images: int = IMAGES) -> Points:
    """One study: the same images for all widths."""
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


def given(points: Points) -> Points:
    """The same runs, the test set taken as given."""
    return Points(
        x_name=points.x_name, y_name=points.y_name, x=points.x, y=points.y, test_images=points.test_images
    )


def test_components_are_those_of_plain_loops():
    points = planted(np.random.default_rng(0), widths=(1, 4), seeds=3, images=40)
    for width, share in enumerate(seed_std_fraction(points)):
        table = points.misclassified[points.width_index == width].astype(float)
        runs, images, grand = len(table), len(table[0]), table.mean()
        interaction = sum(
            (table[s, i] - table[s].mean() - table[:, i].mean() + grand) ** 2
            for s in range(runs)
            for i in range(images)
        ) / ((runs - 1) * (images - 1))
        scatter = sum((table[s].mean() - grand) ** 2 for s in range(runs)) / (runs - 1)
        assert share == pytest.approx(
            np.sqrt(max(0, 1 - interaction / images / scatter)), rel=1e-4
        )  # float32 inside


def test_studies_scatter_as_studies_on_other_seeds_and_images_do():
    """The standard deviation of resampled means, on average over studies, beside that of many studies drawn anew."""
    rng, repeats = np.random.default_rng(1), 300
    drawn = np.array([planted(rng, widths=(2,)).means[0] for _ in range(repeats)])
    resampled = []
    for k in range(40):
        points = planted(np.random.default_rng([2, k]), widths=(2,))
        studies = resample_means(points, points.means, dispersion=KNOWN, draws=400, seed=k)
        resampled.append(studies[:, 0].var())
    # The variance of `repeats` normal values is known to sqrt(2 / repeats), 8 %; four sigma.
    assert np.mean(resampled) == pytest.approx(drawn.var(), rel=4 * np.sqrt(2 / repeats))


def test_one_draw_of_images_serves_all_widths_and_groups():
    first, second = (planted(np.random.default_rng(k)) for k in (3, 3))
    np.testing.assert_array_equal(resample_images(first, 50, 7), resample_images(second, 50, 7))
    assert (resample_images(first, 50, 7) != resample_images(first, 50, 8)).any()
    # Hard images are hard at every width, so widths move together: far from independent.
    moved = np.corrcoef(resample_images(first, 2000, 7).T)
    assert moved[np.triu_indices(len(WIDTHS), 1)].min() > 0.1


def test_intervals_hold_the_law_of_all_images_where_those_of_one_test_set_do_not():
    studies, held = 200, {"population": 0, "given": 0}
    for k in range(studies):
        points = planted(np.random.default_rng([4, k]))
        for name, these in (("population", points), ("given", given(points))):
            amplitude = (
                fit(these, EstimationOptions(forms=("power",), holdout=0, resamplings=200, seed=k))
                .laws["power"]
                .parameters["amplitude"]
            )
            held[name] += amplitude.low <= LAW[0] <= amplitude.high
    # As often as 95 % intervals do, but for one repeat in 10,000; and seldom enough that 90 % can be excluded likewise.
    assert held["population"] >= binom.ppf(1e-4, studies, 0.95)
    assert held["given"] < binom.ppf(1e-4, studies, 0.90)


def test_the_estimand_says_so():
    points = planted(np.random.default_rng(0))
    assert (
        fit(points, EstimationOptions(resamplings=20)).estimand
        == "mean error over seeds and over images like those of this test set"
    )
    assert (
        fit(given(points), EstimationOptions(resamplings=20)).estimand
        == "mean error over seeds, on this test set"
    )


def test_groups_share_images_and_no_seeds():
    """Two groups whose images have only their number in common: one draw of images for both makes no correlation, one of seeds would."""
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
