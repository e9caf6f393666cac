"""Predictions: intervals of the mean and of a new run that cover the planted values at their level."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from scaling.errors import UsageError
from scaling.fit import EstimationOptions, fit, predict
from tests.fit.planted_laws import DISPERSION, bare_points, curve, plant

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
