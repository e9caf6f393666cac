"""Variance models: binomial below one half, constant coefficient of variation for bare values."""

from __future__ import annotations

import numpy as np
import pytest

from scaling.fit.data.variance import BinomialVariance, ConstantCV, KnownVariance


def test_variance_is_continuous_and_binomial_below_one_half():
    mean = np.array([0.001, 0.3, 0.5, 0.9])
    np.testing.assert_allclose(
        BinomialVariance(50).variance(mean), np.array([0.001 * 0.999, 0.21, 0.25, 0.25]) / 50, rtol=1e-15
    )
    np.testing.assert_allclose(ConstantCV().variance(mean), mean**2, rtol=1e-15)


@pytest.mark.parametrize("model", [BinomialVariance(100), ConstantCV(), KnownVariance()])
def test_a_gain_is_the_difference_of_quasi_log_likelihoods(model):
    rng = np.random.default_rng(0)
    y, curve, reference = rng.uniform(0.01, 0.99, (3, 200))
    difference = model.quasi_loglik(y, curve) - model.quasi_loglik(y, reference)
    np.testing.assert_allclose(model.loglik_gain(y, curve, reference), difference, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("model", [BinomialVariance(1), ConstantCV(), KnownVariance()])
def test_a_gain_over_a_curve_that_is_very_close_is_exact(model):
    """At y, the gain falls with half the squared distance over the variance."""
    y = np.array([0.1, 0.3])
    gain = model.loglik_gain(y, y * (1 + 1e-7), y)
    np.testing.assert_allclose(gain, -((1e-7 * y) ** 2) / (2 * model.variance(y)), rtol=1e-2)
