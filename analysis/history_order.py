"""Order of the errors of published systems, beside the order of the measured errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
        RankedPair(
            worse=worse, better=better, difference=difference_of_errors(worse.measured, better.measured)
        )
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


def difference_of_errors(first: MeasuredError, second: MeasuredError) -> Interval:
    """Return the mean error of one network minus that of another, with Welch's 95 % interval over runs."""
    return difference_of_means(first.errors, second.errors)


def difference_of_means(first: Sequence[float], second: Sequence[float]) -> Interval:
    """Return the difference of the means of the runs of two networks, with Welch's 95 % interval.

    A single run is a fit without random numbers: it has no spread. The interval has no limits (NaN) if
    neither network has a spread.

    Args:
        first: value of each run of the first network.
        second: value of each run of the second network.
    """
    estimate = float(np.mean(first) - np.mean(second))
    several = [values for values in (first, second) if len(values) > 1]
    spreads = [float(np.var(values, ddof=1)) / len(values) for values in several]
    if not sum(spreads):
        return Interval(estimate=estimate, low=nan, high=nan)
    freedom = sum(spreads) ** 2 / sum(
        spread**2 / (len(values) - 1) for spread, values in zip(spreads, several, strict=True)
    )
    half_width = float(stats.t.ppf(0.975, freedom) * np.sqrt(sum(spreads)))
    return Interval(estimate=estimate, low=estimate - half_width, high=estimate + half_width)
