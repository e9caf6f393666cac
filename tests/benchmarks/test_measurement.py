"""Summaries of rounds: medians, extremes and paired ratios."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.measurement import paired_ratios, summarise_rounds


def test_rounds_are_summarised_by_their_median_and_extremes():
    measurement = summarise_rounds("b", "c", "q", unit="s", values=[3.0, 1.0, 2.0, 10.0])
    assert (measurement.value, measurement.low, measurement.high, measurement.rounds) == (2.5, 1.0, 10.0, 4)


def test_paired_ratios_cancel_a_common_drift():
    drift = np.array([1.0, 1.7, 0.6])
    assert paired_ratios(list(6 * drift), list(2 * drift)) == pytest.approx([3.0, 3.0, 3.0])


def test_ratios_need_pairs():
    with pytest.raises(ValueError, match="zip"):
        paired_ratios([1.0], [1.0, 2.0])
