"""Levenberg-Marquardt fits of nonlinear forms, compared with SciPy and with the laws that they contain."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from scaling.errors import FitError
from scaling.fit import EstimationOptions, fit
from scaling.fit.estimation.levenberg_marquardt import fit_by_levenberg_marquardt
from scaling.fit.estimation.variable_projection import fit_by_variable_projection
from scaling.fit.forms import BROKEN, FLOOR, M4, Form
from tests.fit.planted_laws import bare_points, variance_model

X = np.array([1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64.0])
COUNTS = np.full(len(X), 8.0)
LAWS = {BROKEN: (0.5, 0.15, 0.8, 9.0), M4: (0.9, 0.9, 0.02, 0.8, 0.7)}
EACH_FORM = pytest.mark.parametrize("form", LAWS, ids=str)
COUNTS_AND_VALUES = pytest.mark.parametrize("test_images", [10_000, None])


@EACH_FORM
@COUNTS_AND_VALUES
def test_a_law_without_noise_is_found(form: Form, test_images: int | None):
    truth = form.evaluate(np.array(LAWS[form]), X)
    (fitted,) = fit_by_levenberg_marquardt(form, X, truth[None], COUNTS[None], variance_model(test_images))
    np.testing.assert_allclose(form.evaluate(fitted, X), truth, rtol=1e-5)
    np.testing.assert_allclose(fitted, LAWS[form], rtol=2e-2)


@EACH_FORM
@COUNTS_AND_VALUES
def test_scipy_finds_nothing_better(form: Form, test_images: int | None):
    """Start Nelder-Mead from the optimum and from the truth."""
    noise = variance_model(test_images)
    means = form.evaluate(np.array(LAWS[form]), X) * np.exp(
        0.02 * np.random.default_rng(0).standard_normal((3, len(X)))
    )

    def loss(parameters: np.ndarray, mean: np.ndarray) -> float:
        with np.errstate(all="ignore"):
            value = -float((COUNTS * noise.quasi_loglik(mean, form.evaluate(parameters, X))).sum())
        return value if np.isfinite(value) and (parameters > 0).all() else np.inf

    for mean, fitted in zip(
        means,
        fit_by_levenberg_marquardt(form, X, means, np.broadcast_to(COUNTS, means.shape), noise),
        strict=True,
    ):
        # A gain of a thousandth of what the test notices needs no further step. Searches that converge take
        # fewer than 900 iterations; one valley has no end.
        tolerance = 1e-6 * max(1.0, abs(loss(fitted, mean)))
        options = {"xatol": 1e-6, "fatol": tolerance / 1000, "maxiter": 1500}
        for start in (fitted, np.array(LAWS[form])):
            other = minimize(loss, start, (mean,), method="Nelder-Mead", options=options)
            assert loss(fitted, mean) - other.fun < tolerance


@EACH_FORM
def test_a_start_near_the_optimum_finds_the_same_optimum(form: Form):
    means = form.evaluate(np.array(LAWS[form]), X) * np.exp(
        0.01 * np.random.default_rng(1).standard_normal((5, len(X)))
    )
    weights, noise = np.broadcast_to(COUNTS, means.shape), variance_model(10_000)
    first = fit_by_levenberg_marquardt(form, X, means, weights, noise)
    near = fit_by_levenberg_marquardt(form, X, means, weights, noise, near=np.array(LAWS[form]))
    curves = [form.evaluate(fitted[:, None, :], X) for fitted in (first, near)]
    np.testing.assert_allclose(*curves, rtol=1e-4)


def test_m4_is_never_worse_than_the_law_it_contains():
    means = FLOOR.evaluate(np.array([0.4, 0.5, 0.05]), X) * np.exp(
        0.02 * np.random.default_rng(2).standard_normal((4, len(X)))
    )
    weights, noise = np.broadcast_to(COUNTS, means.shape), variance_model(10_000)
    quasi_logliks = [
        (weights * noise.quasi_loglik(means, form.evaluate(fitted[:, None, :], X))).sum(axis=1)
        for form, fitted in (
            (M4, fit_by_levenberg_marquardt(M4, X, means, weights, noise)),
            (FLOOR, fit_by_variable_projection(FLOOR, X, means, weights, noise)),
        )
    ]
    assert (quasi_logliks[0] > quasi_logliks[1] - 0.5).all()


def test_too_few_widths_are_refused():
    with pytest.raises(FitError, match="needs at least 4 widths, not 3; add widths"):
        fit_by_levenberg_marquardt(BROKEN, X[:3], np.full((1, 3), 0.1), np.ones((1, 3)), variance_model(None))


def test_a_requested_form_is_reported_beside_the_others():
    points = bare_points(
        np.repeat(X, 4),
        np.repeat(M4.evaluate(np.array(LAWS[M4]), X), 4)
        * np.exp(0.01 * np.random.default_rng(0).standard_normal(4 * len(X))),
    )
    fitted = fit(points, EstimationOptions(forms=("power", "floor", "m4"), resamplings=40))
    assert list(fitted.laws) == ["m4", "power", "floor"]
    assert fitted.laws["m4"].rmse_log < fitted.laws["floor"].rmse_log
    assert all(
        interval.low <= interval.estimate <= interval.high
        for interval in fitted.laws["m4"].parameters.values()
    )
