"""Whether two means are equal within a margin: shown by an interval that lies inside it, never by a difference that was not found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt

import numpy as np
from scipy.stats import t

LEVEL = 0.90
MARGIN = 0.05


@dataclass(frozen=True, kw_only=True)
class RatioOfMeans:
    """The first mean over the second, with its interval of level ``LEVEL``."""

    estimate: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """``equal`` only where the whole interval lies within the margin."""
        return "equal" if self.low >= 1 - MARGIN and self.high <= 1 + MARGIN else "not shown"


def ratio_of_means(first: Sequence[float], second: Sequence[float]) -> RatioOfMeans:
    """The ratio of two means of independent positive numbers; no ratio is less than sure with fewer than two of each.

    Delta method: the variance of a mean's logarithm is its relative variance. The degrees of freedom are Welch's, of those relative variances.
    """
    if min(len(first), len(second)) < 2:
        return RatioOfMeans(estimate=float(np.mean(first) / np.mean(second)), low=0.0, high=float("inf"))
    means, parts, counts = [], [], []
    for values in (first, second):
        mean = np.mean(values)
        means.append(mean)
        parts.append(np.var(values, ddof=1) / len(values) / mean**2)
        counts.append(len(values))
    at = log(means[0] / means[1])
    if not sum(parts):
        return RatioOfMeans(estimate=exp(at), low=exp(at), high=exp(at))
    freedom = sum(parts) ** 2 / sum(part**2 / (count - 1) for part, count in zip(parts, counts, strict=True))
    half = t.ppf((1 + LEVEL) / 2, freedom) * sqrt(sum(parts))
    return RatioOfMeans(estimate=exp(at), low=exp(at - half), high=exp(at + half))


def ratio_of_paired_means(first: Sequence[float], second: Sequence[float]) -> RatioOfMeans:
    """The ratio of two means of positive numbers that were drawn in pairs, such as the same seeds in two precisions.

    Delta method: of the logarithm of the ratio, the variance is that of the mean difference of each pair's relative deviations; Student's t.

    Raises:
        ValueError: not as many of the one as of the other.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} are no pairs")
    means = np.mean([first, second], axis=1)
    at, count = log(means[0] / means[1]), len(first)
    if count < 2:
        return RatioOfMeans(estimate=exp(at), low=0.0, high=float("inf"))
    apart = np.divide(first, means[0]) - np.divide(second, means[1])
    half = t.ppf((1 + LEVEL) / 2, count - 1) * float(np.std(apart, ddof=1)) / sqrt(count)
    return RatioOfMeans(estimate=exp(at), low=exp(at - half), high=exp(at + half))
