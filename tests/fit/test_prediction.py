"""Predictions: intervals of the mean and of a new run that cover the planted values at their level."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binom, norm, t

from scaling.errors import UsageError
from scaling.fit import EstimationOptions, Points, fit, predict
from scaling.fit.data.variance import DispersionSource
from scaling.fit.prediction import predict_means
from tests.fit.planted_laws import DISPERSION, WIDTHS, bare_points, curve, plant

LAW = (0.4, 0.5, 0.0)
TEST_IMAGES = 1000
STUDIES = 100


@pytest.mark.simulation
def test_intervals_cover_the_mean_and_a_new_run_at_their_level():
    """The size is twice the widest one; the mean is the planted one, and the run is drawn anew."""
    rng, n_covered = np.random.default_rng(0), {"mean": 0, "run": 0}
    truth = float(curve(np.array([24.0]), LAW)[0])
    for study in range(STUDIES):
        fitted = fit(
            plant(LAW, np.random.default_rng([2, study]), test_images=TEST_IMAGES),
            EstimationOptions(forms=("power",), holdout=0, resamplings=200, seed=study),
        )
        (prediction,) = predict(fitted, [24], seed=study)
        run = rng.normal(truth, np.sqrt(DISPERSION * truth * (1 - truth) / TEST_IMAGES))
        n_covered["mean"] += prediction.mean.low <= truth <= prediction.mean.high
        n_covered["run"] += prediction.new_run.low <= run <= prediction.new_run.high
    for count in n_covered.values():
        # An interval of the right level fails either bound at most once in 10,000 repeats.
        assert binom.ppf(1e-4, STUDIES, 0.93) <= count
        assert count <= binom.isf(1e-4, STUDIES, 0.97)


@pytest.mark.simulation
def test_the_interval_of_the_law_with_a_floor_covers_a_law_without():
    """The planted law has no floor; the mean of the form with a floor at twice the widest size covers it."""
    truth, n_covered = float(curve(np.array([24.0]), LAW)[0]), 0
    for study in range(STUDIES):
        fitted = fit(
            plant(LAW, np.random.default_rng([5, study]), test_images=TEST_IMAGES),
            EstimationOptions(forms=("floor",), holdout=0, resamplings=200, seed=study),
        )
        (prediction,) = predict(fitted, [24])
        n_covered += prediction.mean.low <= truth <= prediction.mean.high
    assert binom.ppf(1e-4, STUDIES, 0.93) <= n_covered


@pytest.mark.simulation
@pytest.mark.parametrize("effect", [0, 0.5, 1, 2])
def test_intervals_of_the_named_law_cover_one_and_eight_new_runs_whatever_the_runs_of_a_width_share(effect):
    """The size is four times the widest one; the shared effect is in standard deviations of a run."""
    rng, n_covered = np.random.default_rng(9), np.zeros(2, dtype=int)
    truth = float(curve(np.array([48.0]), LAW)[0])
    std = np.sqrt(DISPERSION * truth * (1 - truth) / TEST_IMAGES)
    for study in range(STUDIES):
        effects = np.repeat(rng.standard_normal(len(WIDTHS)) * effect, 8)
        fitted = fit(
            with_effects(effects, np.random.default_rng([7, study])),
            EstimationOptions(holdout=0, resamplings=400, seed=study),
        )
        one, *_, eight = predict_means(fitted, fitted.verdict.form, 48, max_runs=8)
        runs = truth + std * (effect * rng.standard_normal() + rng.standard_normal(8))
        n_covered += one.low <= runs[0] <= one.high, eight.low <= runs.sum() / 8 <= eight.high
    assert binom.ppf(1e-4, STUDIES, 0.93) <= n_covered.min()


def with_effects(effects: np.ndarray, rng: np.random.Generator, **columns: np.ndarray) -> Points:
    """Return eight runs at each width whose errors share an effect, relative to the standard deviation."""
    points = plant(LAW, rng, seeds=8)
    mean = curve(points.x, LAW)
    std = np.sqrt(DISPERSION * mean * (1 - mean) / TEST_IMAGES)
    return replace(points, y=np.maximum(points.y + effects * std, 0), **columns)


def plain_interval(fitted, size: float, parts: list[tuple[float, int]], *, seed: int) -> tuple[float, float]:
    """Return the interval of a mean whose scatter has parts, each a dispersion with degrees of freedom."""
    law, rng, low, high = fitted.laws["power"], np.random.default_rng(seed), [], []
    normals = [rng.standard_normal(len(law.draws)) for _ in parts]
    for draws in law.draw_sets:
        means = []
        for index, parameters in enumerate(draws.parameters):
            mean = scattered = float(draws.form.evaluate(parameters, np.array(float(size))))
            capped = min(mean, 0.5)  # the variance of a binomial is largest there
            for (dispersion, dof), normal in zip(parts, normals, strict=True):
                std = np.sqrt(dispersion * capped * (1 - capped) / TEST_IMAGES)
                scattered += normal[index] * std * t.ppf(0.975, dof) / norm.ppf(0.975)
            means.append(max(scattered, 0))
        low.append(sorted(means)[5])
        high.append(sorted(means)[-6])
    return min(low), max(high)


def test_the_interval_of_a_mean_is_that_of_the_law_with_the_scatter_of_so_many_runs():
    fitted = fit(plant(LAW, np.random.default_rng(2)), EstimationOptions(resamplings=200))
    dispersion = fitted.laws["power"].dispersion
    assert dispersion.source is DispersionSource.RUNS
    intervals = predict_means(fitted, "power", 48, max_runs=5, seed=3)
    for runs, interval in enumerate(intervals, start=1):
        plain = plain_interval(fitted, 48, [(dispersion.value / runs, dispersion.dof)], seed=3)
        np.testing.assert_allclose([interval.low, interval.high], plain, rtol=1e-9)
        assert interval.estimate == float(fitted.laws["power"].predict(48))
    (new_run,) = [found.new_run for found in predict(fitted, [48], seed=3) if found.form == "power"]
    assert intervals[0] == new_run


def test_what_the_runs_of_a_width_share_does_not_average_out():
    rng = np.random.default_rng(4)
    effects = np.repeat(rng.standard_normal(len(WIDTHS)) * 2, 8)
    fitted = fit(with_effects(effects, rng), EstimationOptions(resamplings=200))
    of_law, of_runs = fitted.laws["power"].dispersion, fitted.points.run_dispersion
    assert of_law.source is DispersionSource.CURVE
    shared = ((of_law.value - of_runs.value) / 8, of_law.dof)
    for runs, interval in enumerate(predict_means(fitted, "power", 48, max_runs=8), start=1):
        plain = plain_interval(fitted, 48, [(of_runs.value / runs, of_runs.dof), shared], seed=0)
        np.testing.assert_allclose([interval.low, interval.high], plain, rtol=1e-9)


def test_what_the_runs_of_an_order_share_averages_out_over_orders():
    rng = np.random.default_rng(5)
    points = plant(LAW, rng, seeds=32)
    order = np.tile(np.repeat(np.arange(4), 8), len(WIDTHS))
    mean = curve(points.x, LAW)
    std = np.sqrt(DISPERSION * mean * (1 - mean) / TEST_IMAGES)
    cell = np.arange(len(WIDTHS) * 4).repeat(8)
    effects = rng.standard_normal(len(WIDTHS) * 4)[cell] * 2
    fitted = fit(
        replace(points, y=np.maximum(points.y + effects * std, 0), order=order),
        EstimationOptions(resamplings=200),
    )
    of_law, of_runs = fitted.laws["power"].dispersion, fitted.points.run_dispersion
    assert of_law.source is DispersionSource.ORDERS
    intervals = predict_means(fitted, "power", 48, max_runs=32)
    for runs, orders in ((1, 1), (8, 1), (9, 2), (32, 4)):
        shared = ((of_law.value - of_runs.value) / 8 / orders, of_law.dof)
        plain = plain_interval(fitted, 48, [(of_runs.value / runs, of_runs.dof), shared], seed=0)
        np.testing.assert_allclose([intervals[runs - 1].low, intervals[runs - 1].high], plain, rtol=1e-9)


def test_the_mean_of_new_runs_needs_the_scatter_of_single_runs():
    points = bare_points([1, 2, 4, 8], [0.5, 0.4, 0.35, 0.3])
    fitted = fit(replace(points, known_std=np.full(4, 0.01)), EstimationOptions(resamplings=20))
    with pytest.raises(UsageError, match="the scatter of single runs is unknown"):
        predict_means(fitted, "power", 16, max_runs=2)


def test_a_run_scatters_more_than_the_mean_and_intervals_widen_with_extrapolation():
    fitted = fit(plant(LAW, np.random.default_rng(0)), EstimationOptions(resamplings=400))
    predictions = {(prediction.form, prediction.x): prediction for prediction in predict(fitted, [6, 96])}
    assert set(predictions) == {(form, x) for form in ("power", "floor") for x in (6, 96)}
    for prediction in predictions.values():
        assert (
            prediction.new_run.low
            < prediction.mean.low
            <= prediction.mean.estimate
            <= prediction.mean.high
            < prediction.new_run.high
        )
    for form in ("power", "floor"):
        near, far = (predictions[form, x].mean for x in (6, 96))
        assert (near.high - near.low) / near.estimate < (far.high - far.low) / far.estimate
        assert (predictions[form, 6].extrapolation, predictions[form, 96].extrapolation) == (0.5, 8.0)
        np.testing.assert_allclose(far.estimate, fitted.laws[form].predict(96))


def test_without_replicates_the_residuals_give_the_scatter_of_a_run():
    (prediction,) = predict(
        fit(bare_points([1, 2, 4], [0.5, 0.4, 0.35]), EstimationOptions(forms=("power",), resamplings=50)),
        [8],
    )
    assert prediction.new_run is not None  # one residual degree of freedom
    assert prediction.to_dict()["mean"]["estimate"] == prediction.mean.estimate


@pytest.mark.parametrize("size", [0, -3, float("nan"), float("inf")])
def test_a_size_must_be_above_zero(size):
    with pytest.raises(UsageError, match="above 0"):
        predict(fit(plant(LAW, np.random.default_rng(0)), EstimationOptions(resamplings=20)), [size])
