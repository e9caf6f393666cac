"""Ranks and their correlation against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import spearmanr

from scaling.fit.data.association import rank_correlation


@pytest.mark.parametrize("distinct", [3, 10, 200])
def test_rank_correlations_equal_those_of_scipy(distinct):
    """With many equal numbers, some, and few."""
    rng = np.random.default_rng(distinct)
    first, second = rng.integers(0, distinct, (2, 40)).astype(float)
    second += first
    assert rank_correlation(first, second) == pytest.approx(spearmanr(first, second).statistic, abs=1e-12)


def test_equal_numbers_have_no_correlation():
    assert np.isnan(rank_correlation(np.ones(5), np.arange(5.0)))
