"""Intervals: an estimate with its 95 % limits, and the interval of a quantity from its bootstrap draws."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan, nan, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

CONFIDENCE_LEVEL = 0.95
"""Level of every interval and band."""

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate and its 95 % interval."""

    estimate: float
    low: float
    high: float

    def __repr__(self) -> str:
        return f"{self.estimate:.4g} [{self.low:.4g}, {self.high:.4g}]"

    @classmethod
    def around(cls, estimate: float, *, low: float, high: float) -> Interval:
        """Return the interval from low to high, widened if the estimate lies outside.

        A bound of a parameter can push all draws to one side of the estimate.
        """
        return cls(estimate=float(estimate), low=min(float(low), estimate), high=max(float(high), estimate))

    @classmethod
    def of_mean(cls, values: FloatArray, *, at_least: float = -inf, at_most: float = inf) -> Interval:
        """Return the mean of values of runs with Student's interval; NaN as its ends for a single run.

        Args:
            values: a value of each run: [runs]. If one is NaN, so is the mean.
            at_least: smallest possible value, where the interval ends.
            at_most: largest possible value, where the interval ends.
        """
        mean, runs = float(values.mean()), len(values)
        std = float(values.std(ddof=1)) if runs > 1 else nan
        half_width = float(student_quantile(max(runs - 1, 1)) * std / sqrt(runs))
        if isnan(half_width):
            return cls(estimate=mean, low=nan, high=nan)
        return cls(estimate=mean, low=max(at_least, mean - half_width), high=min(at_most, mean + half_width))

    @classmethod
    def from_draws(cls, estimate: float, draws: Sequence[FloatArray]) -> Interval:
        """Return the interval of a quantity from its bootstrap draws.

        Args:
            estimate: value of the quantity at the estimated parameters.
            draws: one or more sets of draws, each [draws]; the interval covers the interval of each set.
        """
        low, high = draw_limits(draws)
        return cls.around(estimate, low=float(low), high=float(high))


def cover_parameters(
    parameters: Mapping[str, Interval], others: Sequence[Mapping[str, Interval]]
) -> dict[str, Interval]:
    """Return the parameters of a law with intervals that cover those of other forms.

    Args:
        parameters: parameters of the law, by name.
        others: parameters of the other forms; a parameter that a form does not have, such as a floor, is 0.
    """
    absent = Interval(estimate=0.0, low=0.0, high=0.0)
    covered = {}
    for name, interval in parameters.items():
        intervals = [interval, *(other.get(name, absent) for other in others)]
        low, high = min(one.low for one in intervals), max(one.high for one in intervals)
        covered[name] = Interval.around(interval.estimate, low=low, high=high)
    return covered


def student_quantile(dof: NDArray[np.number] | float | int) -> FloatArray:
    """Return the two-sided quantile of Student's t at the confidence level.

    Args:
        dof: degrees of freedom.
    """
    return np.asarray(stdtrit(dof, (1 + CONFIDENCE_LEVEL) / 2))


def draw_limits(draws: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Return the outermost 95 % limits of sets of draws.

    The limits are order statistics, without interpolation, because draws may be infinite.

    Args:
        draws: sets of draws, each [draws, ...].

    Returns:
        Lower and upper limits, each [...].
    """
    limits = []
    for draw_set in draws:
        ordered = np.sort(draw_set, axis=0)
        tail = int(len(ordered) * (1 - CONFIDENCE_LEVEL) / 2)
        limits.append((ordered[tail], ordered[-1 - tail]))
    lows, highs = zip(*limits, strict=True)
    return np.asarray(np.min(lows, axis=0)), np.asarray(np.max(highs, axis=0))
