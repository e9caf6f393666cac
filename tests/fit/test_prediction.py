"""Predictions: intervals of the mean and of a new run that hold what is planted as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from scaling.errors import UsageError
from scaling.fit import EstimationOptions, fit, predict
from tests.fit.planted_laws import DISPERSION, bare_points, curve, plant

LAW = (0.4, 0.5, 0.0)
TRIALS = 1000
STUDIES = 300


@pytest.mark.simulation
def test_what_is_foretold_is_there_as_often_as_it_says():
    """At twice the widest size: the planted mean, and one run that is drawn anew."""
    rng, held = np.random.default_rng(0), {"mean": 0, "run": 0}
    truth = float(curve(np.array([24.0]), LAW)[0])
    for study in range(STUDIES):
        found = fit(
            plant(LAW, np.random.default_rng([2, study]), test_images=TRIALS),
            EstimationOptions(forms=("power",), holdout=0, resamplings=200, seed=study),
        )
        (made,) = predict(found, [24], seed=study)
        run = rng.normal(truth, np.sqrt(DISPERSION * truth * (1 - truth) / TRIALS))
        held["mean"] += made.mean.low <= truth <= made.mean.high
        held["run"] += made.new_run.low <= run <= made.new_run.high
    for found in held.values():
        # An honest interval fails either bound once in 10,000 repeats or less.
        assert binom.ppf(1e-4, STUDIES, 0.93) <= found
        assert found <= binom.isf(1e-4, STUDIES, 0.97)


@pytest.mark.simulation
def test_a_floor_that_may_be_none_does_not_narrow_what_is_foretold():
    """Of a law without a floor, the floored form's mean at twice the widest size."""
    truth, held = float(curve(np.array([24.0]), LAW)[0]), 0
    for study in range(STUDIES):
        found = fit(
            plant(LAW, np.random.default_rng([5, study]), test_images=TRIALS),
            EstimationOptions(holdout=0, resamplings=200, seed=study),
        )
        made = next(prediction.mean for prediction in predict(found, [24]) if prediction.form == "floor")
        held += made.low <= truth <= made.high
    assert binom.ppf(1e-4, STUDIES, 0.93) <= held


def test_a_run_scatters_more_than_the_mean_and_further_out_both_widen():
    found = fit(plant(LAW, np.random.default_rng(0)), EstimationOptions(resamplings=400))
    made = {(p.form, p.x): p for p in predict(found, [6, 96])}
    assert set(made) == {(form, x) for form in ("power", "floor") for x in (6, 96)}
    for prediction in made.values():
        assert (
            prediction.new_run.low
            < prediction.mean.low
            <= prediction.mean.estimate
            <= prediction.mean.high
            < prediction.new_run.high
        )
    for form in ("power", "floor"):
        near, far = (made[form, x].mean for x in (6, 96))
        assert (near.high - near.low) / near.estimate < (far.high - far.low) / far.estimate
        assert (made[form, 6].extrapolation, made[form, 96].extrapolation) == (0.5, 8.0)
        np.testing.assert_allclose(far.estimate, found.laws[form].predict(96))


def test_without_replicates_the_scatter_about_the_law_foretells_a_run():
    (made,) = predict(
        fit(bare_points([1, 2, 4], [0.5, 0.4, 0.35]), EstimationOptions(forms=("power",), resamplings=50)),
        [8],
    )
    assert made.new_run is not None  # one width to spare tells how far the means lie about the law
    assert made.to_dict()["mean"]["estimate"] == made.mean.estimate


@pytest.mark.parametrize("size", [0, -3, float("nan"), float("inf")])
def test_a_size_that_no_law_has_is_refused(size):
    with pytest.raises(UsageError, match="above 0"):
        predict(fit(plant(LAW, np.random.default_rng(0)), EstimationOptions(resamplings=20)), [size])
