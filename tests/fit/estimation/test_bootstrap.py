"""Coverage of the bootstrap intervals: they contain the known truth as often as they claim."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import binom, norm, t

from scaling.fit import EstimationOptions, Law, Points, fit
from scaling.fit.data.variance import Dispersion, DispersionSource
from scaling.fit.estimation.bootstrap import resample_means
from tests.fit.planted_laws import DISPERSION, WIDTHS, bare_points, plant, variance_model


@cache
def fit_studies(form: str, floor: float) -> list[Law]:
    """Return the laws of 400 studies of four seeds; those of the power law serve two tests."""
    laws = []
    for study in range(400):
        points = plant((0.4, 0.5, floor), np.random.default_rng([1, study]))
        options = EstimationOptions(forms=(form,), holdout=0, resamplings=200, seed=study)
        laws.append(fit(points, options).laws[form])
    return laws


@pytest.mark.simulation
@pytest.mark.parametrize(("form", "floor"), [("power", 0.0), ("floor", 0.03)])
def test_interval_of_the_exponent_has_its_coverage_with_four_seeds(form: str, floor: float):
    exponents = [law.parameters["exponent"] for law in fit_studies(form, floor)]
    covered, studies = sum(exponent.low <= 0.5 <= exponent.high for exponent in exponents), len(exponents)
    # The number is binomial. A coverage of 90 % or less would give so many at most once in 20 repeats, and a
    # coverage of 99 % or more so few at most once in 10. The coverage lies between them, at these levels.
    assert binom.sf(covered - 1, studies, 0.90) < 0.05
    assert binom.cdf(covered, studies, 0.99) < 0.10


@pytest.mark.simulation
def test_interval_of_a_floor_of_zero_is_one_sided():
    laws = [
        fit(
            plant((0.4, 0.5, 0.0), np.random.default_rng(k)),
            EstimationOptions(forms=("floor",), resamplings=200),
        ).laws["floor"]
        for k in range(40)
    ]
    floors = [law.parameters["floor"] for law in laws]
    # Each lower limit is above 0 with a probability of 2.5 %: more than 5 of 40 with a probability of 3e-4.
    assert sum(floor.low > 0 for floor in floors) <= 5
    assert all(floor.low >= 0 for floor in floors)
    assert (
        sum(floor.estimate == 0 for floor in floors) >= 8
    )  # half of them on average; fewer than 8 with a probability of 2e-5
    assert np.median([floor.estimate for floor in floors]) < 0.02


def test_resampled_means_have_the_spread_of_students_interval():
    points = plant((0.4, 0.5, 0.0), np.random.default_rng(0), seeds=5)
    draws = 20_000
    dispersion = Dispersion(value=1.0, dof=points.run_dispersion.dof, source=DispersionSource.RUNS)
    means = resample_means(points, points.means, dispersion=dispersion, draws=draws, seed=1)
    expected = points.std / np.sqrt(5) * t.ppf(0.975, dispersion.dof) / norm.ppf(0.975)
    # Four standard errors of a mean and of a standard deviation.
    assert (np.abs(means.mean(axis=0) - points.means) < 4 * expected / np.sqrt(draws)).all()
    np.testing.assert_allclose(means.std(axis=0), expected, rtol=4 / np.sqrt(2 * draws))


def test_the_mean_of_many_runs_has_the_spread_of_its_resamples():
    """From 500 runs on, a mean is drawn from a normal distribution; narrower tables draw runs."""
    rng, draws = np.random.default_rng(0), 20_000
    few, many = rng.exponential(1.0, 40), rng.exponential(1.0, 600)
    points = bare_points(np.repeat([1.0, 2.0], (40, 600)), np.concatenate([few, many]))
    dispersion = Dispersion(value=1.0, dof=10**6, source=DispersionSource.RUNS)
    means = resample_means(points, points.means, dispersion=dispersion, draws=draws, seed=1)
    log_ratio = points.means * np.log(means / points.means)  # the deviation is applied as a factor
    np.testing.assert_allclose(
        log_ratio.std(axis=0), points.std / np.sqrt(points.counts), rtol=4 / np.sqrt(2 * draws)
    )
    resampled = many[rng.integers(600, size=(draws, 600))].mean(axis=1)
    ends = [0.025, 0.975]
    # The limits agree to 5 % of their distance: 2 % by the skewness, and the noise of a quantile of 20,000.
    np.testing.assert_allclose(
        np.quantile(log_ratio[:, 1], ends), np.quantile(resampled - many.mean(), ends), rtol=0.05
    )


def test_resampled_fractions_of_the_images_are_at_most_one():
    points = Points(
        x_name="filters",
        y_name="test_error",
        x=np.repeat([1.0, 2.0], 4),
        y=np.array([0.4, 0.5, 0.45, 0.5, 0.9, 0.0, 0.0, 0.0]),
        test_images=100,
    )
    means = resample_means(points, points.means, dispersion=points.run_dispersion, draws=500, seed=1)
    assert means.max() == 1


def test_a_width_with_a_single_run_takes_the_dispersion_of_the_others():
    points = plant((0.4, 0.5, 0.0), np.random.default_rng(0), seeds=8)
    single = Points(
        x_name="filters",
        y_name="test_error",
        x=np.append(points.x, 24.0),
        y=np.append(points.y, 0.08),
        test_images=1000,
    )
    pooled = single.run_dispersion.value
    assert pooled == pytest.approx(points.run_dispersion.value)
    draws = 20_000
    curve = 0.4 * single.widths**-0.5
    dispersion = Dispersion(value=pooled, dof=single.run_dispersion.dof, source=DispersionSource.RUNS)
    means = resample_means(single, curve, dispersion=dispersion, draws=draws, seed=1)
    expected = (
        t.ppf(0.975, dispersion.dof)
        / norm.ppf(0.975)
        * np.sqrt(pooled * variance_model(1000).variance(curve[-1:])[0])
    )
    assert means[:, -1].std() == pytest.approx(expected, rel=4 / np.sqrt(2 * draws))
    assert (
        fit(single, EstimationOptions(resamplings=50)).notes[0]
        == "Widths with one run: 1; their scatter is estimated from the other widths."
    )


def test_dispersion_is_that_of_the_simulation():
    points = plant((0.4, 0.5, 0.0), np.random.default_rng(0), seeds=300)
    # Four standard errors of a variance.
    assert points.run_dispersion.value == pytest.approx(
        DISPERSION, rel=4 * np.sqrt(2 / points.run_dispersion.dof)
    )
    spread = np.random.default_rng(0).lognormal(0, 0.1, len(points.x))
    assert bare_points(points.x, spread / points.x).run_dispersion.value == pytest.approx(
        0.1**2, rel=0.2
    )  # log-normal: exp(0.01) - 1, and four standard errors


@pytest.mark.simulation
def test_without_replicates_the_interval_uses_the_residuals():
    rng = np.random.default_rng(0)
    laws = [
        fit(
            plant((0.4, 0.5, 0.0), rng, seeds=1, widths=(*WIDTHS, 16)),
            EstimationOptions(forms=("power",), holdout=0, resamplings=100),
        ).laws["power"]
        for _ in range(200)
    ]
    covered = sum(law.parameters["exponent"].low <= 0.5 <= law.parameters["exponent"].high for law in laws)
    assert 178 <= covered <= 198  # 95 % of 200; outside with a probability of 1e-3 on either side
    notes = fit(plant((0.4, 0.5, 0.0), rng, seeds=1)).notes
    assert notes == (
        "No width has two runs from which to estimate the scatter: the intervals rest on the residuals of "
        "the means about each law. Train more seeds for intervals that rest on replicates.",
    )


def test_draws_depend_on_the_seed_and_are_paired_between_forms():
    points = plant((0.4, 0.5, 0.05), np.random.default_rng(0))
    first, again, other = (
        fit(points, EstimationOptions(resamplings=50, seed=seed)).laws for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(first["floor"].draws, again["floor"].draws)
    assert (first["floor"].draws != other["floor"].draws).any()
    alone = fit(points, EstimationOptions(resamplings=50, seed=3, forms=("floor",))).laws["floor"]
    np.testing.assert_array_equal(first["floor"].draws, alone.draws)


def test_a_band_contains_its_curve_and_an_interval_its_estimate():
    law = fit(plant((0.4, 0.5, 0.05), np.random.default_rng(0)), EstimationOptions(resamplings=200)).laws[
        "floor"
    ]
    x = np.geomspace(1, 100, 20)
    low, high = law.band(x)
    assert low.shape == law.predict(x).shape == (20,)
    np.testing.assert_allclose(
        (law.predict(1), *law.band(1)), (law.predict(x)[0], low[0], high[0]), rtol=1e-12
    )
    assert ((low <= law.predict(x)) & (law.predict(x) <= high)).all()
    lower, higher = law.band(x, simultaneous=True)
    assert ((lower < low) & (high < higher)).all()
    assert all(interval.low <= interval.estimate <= interval.high for interval in law.parameters.values())


@pytest.mark.simulation
def test_a_simultaneous_band_contains_the_whole_curve():
    """The simultaneous band contains the curve in about 95 % of studies, the pointwise band less often."""
    x = np.geomspace(1, 24, 25)
    truth, covered = 0.4 * x**-0.5, {"pointwise": 0, "simultaneous": 0}
    for law in fit_studies("power", 0.0)[:200]:
        bands = {"pointwise": law.band(x), "simultaneous": law.band(x, simultaneous=True)}
        for name, (low, high) in bands.items():
            covered[name] += ((low <= truth) & (truth <= high)).all()
    # 95 % of 200; outside these limits with a probability of 1e-3 on either side.
    assert 178 <= covered["simultaneous"] <= 198
    assert covered["pointwise"] < covered["simultaneous"]
