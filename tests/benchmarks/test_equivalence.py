"""Intervals of ratios of means: coverage, and agreement with SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from benchmarks.equivalence import ratio_of_means, ratio_of_paired_means


def test_interval_of_a_ratio_has_its_nominal_coverage():
    """Many samples with a planted ratio, unequal spreads and unequal sizes."""
    rng, repeats, truth = np.random.default_rng(0), 4000, 1.03
    hits = 0
    for _ in range(repeats):
        ratio = ratio_of_means(rng.normal(truth, 0.05, 8), rng.normal(1.0, 0.10, 16))
        hits += ratio.low <= truth <= ratio.high
    assert abs(hits / repeats - 0.90) < 4 * (0.9 * 0.1 / repeats) ** 0.5  # four sigma of a proportion


def test_interval_of_a_ratio_is_welchs_for_small_spreads():
    """A relative spread of 1e-4 makes logarithms linear: the oracle is SciPy's interval of the logarithms."""
    rng = np.random.default_rng(1)
    first, second = 2 * rng.normal(1, 1e-4, 8), rng.normal(1, 2e-4, 12)
    ratio = ratio_of_means(list(first), list(second))
    oracle = stats.ttest_ind(np.log(first), np.log(second), equal_var=False).confidence_interval(0.90)
    # The two differ in second order, (1e-4) ** 2, where the interval is 1e-4 wide.
    np.testing.assert_allclose(np.log([ratio.low, ratio.high]), [oracle.low, oracle.high], atol=1e-7)


@pytest.mark.parametrize(
    ("spread", "ratio", "verdict"),
    [(0.01, 1.0, "equal"), (0.01, 1.2, "equality not shown"), (0.5, 1.0, "equality not shown")],
)
def test_only_an_interval_within_the_margin_shows_equality(spread, ratio, verdict):
    rng = np.random.default_rng(2)
    first, second = (stats.zscore(rng.normal(size=8)) * spread + 1 for _ in range(2))
    assert ratio_of_means(list(ratio * first), list(second)).verdict == verdict


def test_interval_of_a_paired_ratio_has_its_nominal_coverage():
    """Most of the planted spread is common to a pair; independent samples would count it in the interval."""
    rng, repeats, truth = np.random.default_rng(3), 4000, 0.98
    hits, widths = 0, []
    for _ in range(repeats):
        pair = rng.normal(1, 0.08, 16)
        first, second = truth * (pair + rng.normal(0, 0.03, 16)), pair + rng.normal(0, 0.03, 16)
        ratio = ratio_of_paired_means(first, second)
        hits += ratio.low <= truth <= ratio.high
        if len(widths) < 200:  # each width scatters by about a fifth, their mean by about 1.5 %
            unpaired = ratio_of_means(first, second)
            widths.append((ratio.high - ratio.low) / (unpaired.high - unpaired.low))
    assert abs(hits / repeats - 0.90) < 4 * (0.9 * 0.1 / repeats) ** 0.5
    assert np.mean(widths) < 0.6


def test_paired_ratio_needs_pairs():
    with pytest.raises(ValueError, match="expected pairs, got 2 and 1 numbers"):
        ratio_of_paired_means([1.0, 2.0], [1.0])


def test_single_runs_do_not_show_equality():
    assert ratio_of_means([1.0], [1.0]).verdict == "equality not shown"


def test_runs_without_spread_have_an_exact_ratio():
    ratio = ratio_of_means([2.0, 2.0], [2.0, 2.0])
    assert (ratio.low, ratio.high, ratio.verdict) == (1.0, 1.0, "equal")
