"""Equivalence of two means within a margin: the whole interval of their ratio must lie within the margin.

A difference that was not found does not show equality.
"""

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
    """Ratio of the first mean to the second, with its interval of level ``LEVEL``."""

    estimate: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Return ``equal`` only if the whole interval lies within the margin."""
        is_within = self.low >= 1 - MARGIN and self.high <= 1 + MARGIN
        return "equal" if is_within else "equality not shown"


def ratio_of_means(first: Sequence[float], second: Sequence[float]) -> RatioOfMeans:
    """Return the ratio of the means of two independent samples of positive numbers.

    Delta method: the variance of the logarithm of a mean is its relative variance. The degrees of freedom are
        Welch's,
    for these relative variances. With fewer than two numbers in a sample, the interval is unbounded.
    """
    if min(len(first), len(second)) < 2:
        return RatioOfMeans(estimate=float(np.mean(first) / np.mean(second)), low=0.0, high=float("inf"))
    log_ratio = log(np.mean(first) / np.mean(second))
    counts = [len(first), len(second)]
    variances = [
        float(np.var(values, ddof=1) / len(values) / np.mean(values) ** 2) for values in (first, second)
    ]
    if not sum(variances):
        return RatioOfMeans(estimate=exp(log_ratio), low=exp(log_ratio), high=exp(log_ratio))
    dof = sum(variances) ** 2 / sum(
        variance**2 / (count - 1) for variance, count in zip(variances, counts, strict=True)
    )
    half_width = t.ppf((1 + LEVEL) / 2, dof) * sqrt(sum(variances))
    return RatioOfMeans(
        estimate=exp(log_ratio), low=exp(log_ratio - half_width), high=exp(log_ratio + half_width)
    )


def ratio_of_paired_means(first: Sequence[float], second: Sequence[float]) -> RatioOfMeans:
    """Return the ratio of the means of paired positive numbers, such as the same seeds in two precisions.

    Delta method: the variance of the logarithm of the ratio is that of the mean difference between the
        relative
    deviations of each pair; Student's t.

    Raises:
        ValueError: the samples have different sizes.
    """
    if len(first) != len(second):
        raise ValueError(f"expected pairs, got {len(first)} and {len(second)} numbers")
    means = np.mean([first, second], axis=1)
    log_ratio, count = log(means[0] / means[1]), len(first)
    if count < 2:
        return RatioOfMeans(estimate=exp(log_ratio), low=0.0, high=float("inf"))
    differences = np.divide(first, means[0]) - np.divide(second, means[1])
    half_width = t.ppf((1 + LEVEL) / 2, count - 1) * float(np.std(differences, ddof=1)) / sqrt(count)
    return RatioOfMeans(
        estimate=exp(log_ratio), low=exp(log_ratio - half_width), high=exp(log_ratio + half_width)
    )
