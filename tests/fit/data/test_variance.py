"""Variance models: binomial below one half, constant coefficient of variation for bare values."""

from __future__ import annotations

import numpy as np

from scaling.fit.data.variance import BinomialVariance, ConstantCV


def test_variance_is_continuous_and_binomial_below_one_half():
    mean = np.array([0.001, 0.3, 0.5, 0.9])
    np.testing.assert_allclose(
        BinomialVariance(50).variance(mean), np.array([0.001 * 0.999, 0.21, 0.25, 0.25]) / 50, rtol=1e-15
    )
    np.testing.assert_allclose(ConstantCV().variance(mean), mean**2, rtol=1e-15)
