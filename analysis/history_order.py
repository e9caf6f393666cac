"""Order of the errors of published systems, beside the order of the measured errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from math import isnan, nan

import numpy as np
from scipy import stats

from analysis.history import History, HistoryRow, MeasuredError
from analysis.published_system import Era
from scaling.fit import Interval


@dataclass(frozen=True, kw_only=True)
class RankedPair:
    """Two systems, next to each other in the published order of errors."""

    worse: HistoryRow
    """The system with the larger published error."""
    better: HistoryRow
    difference: Interval
    """Measured error of the first system minus that of the second, with Welch's 95 % interval."""

    @property
    def published_difference(self) -> float | None:
        """Difference of the published errors; None if one is not confirmed."""
        if self.worse.system.error is None or self.better.system.error is None:
            return None
        return self.worse.system.error - self.better.system.error

    @property
    def verdict(self) -> str:
        """Comparison of the measured order with the published order, in words."""
        low, high = self.difference.low, self.difference.high
        if isnan(low):  # two fits without random numbers
            low = high = self.difference.estimate
        if low > 0:
            return "as published"
        return "reversed" if high < 0 else "cannot tell"


def rank(history: History) -> list[RankedPair]:
    """Return the neighbours in each published order, with the measured errors of recipes of today."""
    return [
        RankedPair(worse=worse, better=better, difference=_difference(worse.measured, better.measured))
        for rows in _orders(history)
        for worse, better in pairwise(rows)
        if worse.measured and better.measured
    ]


def _orders(history: History) -> Iterator[list[HistoryRow]]:
    rows = [
        row
        for row in history.rows
        if row.system.ranking and row.measured and row.network and row.network.rebuild.era is Era.TODAY
    ]
    for _, group in groupby(sorted(rows, key=lambda row: row.system.ranking), lambda row: row.system.ranking):
        yield sorted(group, key=lambda row: -(row.system.error or 0))


def _difference(first: MeasuredError, second: MeasuredError) -> Interval:
    """Return the difference of two means. A single run is a fit without random numbers: it has no spread."""
    estimate = first.error.estimate - second.error.estimate
    several = [errors for errors in (first.errors, second.errors) if len(errors) > 1]
    if not several:
        return Interval(estimate=estimate, low=nan, high=nan)
    spreads = [np.var(errors, ddof=1) / len(errors) for errors in several]
    freedom = sum(spreads) ** 2 / sum(
        spread**2 / (len(errors) - 1) for spread, errors in zip(spreads, several, strict=True)
    )
    half_width = float(stats.t.ppf(0.975, freedom) * np.sqrt(sum(spreads)))
    return Interval(estimate=estimate, low=estimate - half_width, high=estimate + half_width)
