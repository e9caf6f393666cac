"""Variable projection, compared with SciPy, with exact algebra, and with itself one row at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import curve_fit, minimize

from scaling.errors import FitError
from scaling.fit.data.variance import BinomialVariance, ConstantCV
from scaling.fit.estimation.variable_projection import fit_by_variable_projection
from scaling.fit.forms import FLOOR, MAX_EXPONENT, POWER, Form
from tests.fit.planted_laws import WIDTHS, curve, variance_model
from tests.hypothesis_settings import examples

X = np.array(WIDTHS, dtype=float)
COUNTS = np.array([8.0, 8, 4, 8, 8, 2, 8])
LAW = (0.4, 0.6, 0.05)

NOISES = pytest.mark.parametrize(
    ("test_images", "noise"), [(1000, 0.02), (None, 0.02), (1000, 0.2), (None, 0.2)]
)
EACH_FORM = pytest.mark.parametrize("form", [POWER, FLOOR], ids=str)


def scattered(rows: int, noise: float) -> np.ndarray:
    """Return means about a law with a floor, which is interior for FLOOR and misfits POWER."""
    return curve(X, LAW) * np.exp(noise * np.random.default_rng(0).standard_normal((rows, len(X))))


def fitted(form: Form, means: np.ndarray, test_images: int | None) -> np.ndarray:
    return fit_by_variable_projection(
        form, X, means, np.broadcast_to(COUNTS, means.shape), variance_model(test_images)
    )


def loss(parameters: np.ndarray, form: Form, mean: np.ndarray, test_images: int | None) -> float:
    """Return minus the quasi-log-likelihood: the integral of n (mean - curve) / variance(curve), derived by
    hand.
    """
    if (parameters[[0, *range(2, len(parameters))]] < 0).any() or abs(parameters[1]) > MAX_EXPONENT:
        return np.inf
    mu = form.evaluate(parameters, X)
    if test_images is None:
        return float((COUNTS * (mean / mu + np.log(mu))).sum())
    low = np.minimum(mu, 0.5)
    quasi = mean * np.log(low) + (1 - mean) * np.log(1 - low)
    beyond = np.where(mu > 0.5, 4 * (mean * (mu - 0.5) - (mu**2 - 0.25) / 2), 0)
    return -float((COUNTS * (quasi + beyond)).sum())


@EACH_FORM
@NOISES
def test_scipy_finds_no_better_parameters(form: Form, test_images: int | None, noise: float):
    for mean in scattered(3, noise):
        (estimate,) = fitted(form, mean[None], test_images)
        start = np.array([0.5, 0.3, 0.02][: len(estimate)])
        options = {"xatol": 1e-11, "fatol": 1e-15, "maxiter": 5000, "maxfev": 5000}
        oracle = minimize(loss, start, (form, mean, test_images), method="Nelder-Mead", options=options)
        # A loss of order 10, in double precision, resolves parameters to about sqrt(1e-15); the tolerance of
        # six digits leaves a factor of 30.
        np.testing.assert_allclose(estimate, oracle.x, rtol=1e-6, atol=1e-6)


@EACH_FORM
@NOISES
def test_curve_fit_with_the_fitted_variances_returns_the_same_parameters(
    form: Form, test_images: int | None, noise: float
):
    (mean,) = scattered(1, noise)
    (estimate,) = fitted(form, mean[None], test_images)
    sigma = np.sqrt(variance_model(test_images).variance(form.evaluate(estimate, X)) / COUNTS)
    start = np.array([0.5, 0.3, 0.02][: len(estimate)])
    oracle, _ = curve_fit(
        lambda x, *parameters: form.evaluate(np.array(parameters), x),
        X,
        mean,
        start,
        sigma,
        xtol=1e-14,
        ftol=1e-14,
        gtol=1e-14,
    )
    np.testing.assert_allclose(estimate, oracle, rtol=1e-6)


@EACH_FORM
@pytest.mark.parametrize("test_images", [None, 1000])
def test_even_scatter_without_a_law_ends_in_a_valley(form: Form, test_images: int | None):
    for mean in 0.1 * np.exp(0.05 * np.random.default_rng(0).standard_normal((20, len(X)))):
        (estimate,) = fitted(form, mean[None], test_images)
        near = minimize(
            loss,
            estimate,
            (form, mean, test_images),
            method="Nelder-Mead",
            options={"xatol": 1e-11, "fatol": 1e-15},
        )
        assert loss(estimate, form, mean, test_images) - near.fun < 1e-9


@EACH_FORM
@pytest.mark.parametrize("test_images", [None, 1000])
def test_many_rows_at_once_equal_one_row_at_a_time(form: Form, test_images: int | None):
    means = scattered(40, 0.1)
    together = fitted(form, means, test_images)
    alone = np.concatenate([fitted(form, row[None], test_images) for row in means])
    # Both end with steps below 1e-10; matrix products of another shape may round differently.
    np.testing.assert_allclose(together, alone, rtol=1e-8, atol=1e-10)
    near = fit_by_variable_projection(
        form, X, means, np.broadcast_to(COUNTS, means.shape), variance_model(test_images), near=curve(X, LAW)
    )
    np.testing.assert_allclose(together, near, rtol=1e-8, atol=1e-10)


@given(
    amplitude=st.floats(0.1, 10),
    exponent=st.floats(-1, 2),
    floor=st.floats(0.01, 1),
    test_images=st.sampled_from([None, 1000]),
)
def test_a_law_without_noise_is_found(
    amplitude: float, exponent: float, floor: float, test_images: int | None
):
    law = np.array([amplitude, exponent, floor])
    ones = np.ones((1, len(X)))
    (power,) = fit_by_variable_projection(
        POWER, X, POWER.evaluate(law, X)[None], ones, variance_model(test_images)
    )
    np.testing.assert_allclose(power, law[:2], rtol=1e-8, atol=1e-8)
    # Near exponent 0 the power is almost a constant, like the floor, so that only the curve can be compared.
    (floored,) = fit_by_variable_projection(
        FLOOR, X, FLOOR.evaluate(law, X)[None], ones, variance_model(test_images)
    )
    np.testing.assert_allclose(FLOOR.evaluate(floored, X), FLOOR.evaluate(law, X), rtol=1e-6)
    if abs(exponent) > 0.1:
        np.testing.assert_allclose(floored, law, rtol=1e-4, atol=1e-6)


@examples(40)
@given(by=st.floats(1e-3, 1e3), form=st.sampled_from([POWER, FLOOR]))
def test_scaling_the_axes_scales_the_law(by: float, form: Form):
    means = scattered(5, 0.05)
    counts = np.broadcast_to(COUNTS, means.shape)
    before = fit_by_variable_projection(form, X, means, counts, ConstantCV())
    higher, wider = (
        fit_by_variable_projection(form, X, means * by, counts, ConstantCV()),
        fit_by_variable_projection(form, X * by, means, counts, ConstantCV()),
    )
    expected = before.copy()
    expected[:, [0, *range(2, before.shape[1])]] *= by
    np.testing.assert_allclose(higher, expected, rtol=1e-7)
    expected = before.copy()
    expected[:, 0] *= by ** before[:, 1]
    np.testing.assert_allclose(wider, expected, rtol=1e-7)


@EACH_FORM
@pytest.mark.parametrize("exponent", [0.003, 0.03, 0.2])
@pytest.mark.parametrize("test_images", [None, 1000])
def test_sizes_over_sixty_decades_overflow_nowhere(form: Form, exponent: float, test_images: int | None):
    x = np.logspace(-30, 30, 8)
    planted = np.array([0.4 * x[0] ** exponent, exponent, 0])
    means = POWER.evaluate(planted, x)[None]
    with np.errstate(over="raise", invalid="raise", divide="raise"):
        (estimate,) = fit_by_variable_projection(form, x, means, np.ones((1, 8)), variance_model(test_images))
    np.testing.assert_allclose(estimate, planted[: len(estimate)], rtol=1e-6, atol=1e-9)


@EACH_FORM
def test_a_width_without_runs_counts_as_absent(form: Form):
    means = scattered(5, 0.05)
    counts = np.broadcast_to(np.where(X < 8, COUNTS, 0), means.shape)
    kept = X < 8
    fewer = fit_by_variable_projection(form, X[kept], means[:, kept], counts[:, kept], BinomialVariance(1000))
    np.testing.assert_allclose(
        fit_by_variable_projection(form, X, means, counts, BinomialVariance(1000)),
        fewer,
        rtol=1e-7,
        atol=1e-10,
    )


def test_an_exponential_decay_has_floor_zero_and_the_fit_of_the_power_law():
    means = np.exp(-X / 5)[None]
    floored, power = fitted(FLOOR, means, None), fitted(POWER, means, None)
    assert floored[0, 2] == 0
    np.testing.assert_allclose(floored[:, :2], power, rtol=1e-8)


def test_a_constant_has_exponent_zero():
    for form in (POWER, FLOOR):
        (estimate,) = fitted(form, np.full((1, len(X)), 0.2), 1000)
        np.testing.assert_allclose(estimate[:2], [0.2, 0], atol=1e-9)


def test_data_that_determine_no_law_are_refused():
    with pytest.raises(FitError, match=r"A x\^-rho \+ E needs at least 3 widths, not 2; add widths"):
        fit_by_variable_projection(FLOOR, X[:2], np.ones((1, 2)), np.ones((1, 2)), ConstantCV())
    with pytest.raises(FitError, match="nothing to fit"):
        fitted(POWER, np.zeros((1, len(X))), 1000)
