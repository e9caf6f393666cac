"""Smallest difference between two curves that a study can show, with its seeds or with more.

A difference is shown if its 95 % interval excludes 0. The smallest detectable difference is the true one that
is shown in 80 % of studies: the half width of the interval, and the 80 % quantile of the estimate's own
scatter on top. Both shrink with the square root of the number of seeds, if the dispersion stays.

- Difference of exponents: of the laws that the verdicts name, with the intervals of ``compare_laws``.
- Difference of errors at one size: a t test of the two means, with the dispersion of each curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import ndtri, stdtrit

from scaling.errors import UsageError
from scaling.fit.comparison.crossing import pair_draws
from scaling.fit.comparison.exponents import compare_laws
from scaling.fit.comparison.law_choice import preferred_law, require_law
from scaling.fit.estimation.bootstrap import student_inflation
from scaling.fit.interval import Interval, student_quantile
from scaling.fit.result import Fit

DEFAULT_POWER = 0.8
SEED_FACTORS = (1, 2, 4)
"""Numbers of seeds, as multiples of those that are there."""


@dataclass(frozen=True, kw_only=True)
class DetectableDifference:
    """Smallest difference between two curves that can be shown."""

    first: str
    second: str
    x: float | None
    """Size at which errors are compared; None for the exponents."""
    measured: Interval
    """Measured difference, first minus second; of errors, relative to the mean of both."""
    by_factor: dict[int, float]
    """Smallest detectable difference, in the same unit, by the multiple of the present seeds."""

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return asdict(self)


def detectable_differences(
    fits: Sequence[Fit], *, power: float = DEFAULT_POWER
) -> list[DetectableDifference]:
    """Return the smallest detectable differences of every pair of curves: exponents, then errors by size.

    Args:
        fits: laws of the curves, along one x.
        power: share of studies in which the difference is shown, between 0.5 and 1.

    Raises:
        UsageError: the power is not between 0.5 and 1.
    """
    if not 0.5 <= power < 1:
        raise UsageError(f"expected a number from 0.5 to below 1, got {power:g}", option="power")
    differences = []
    for first, second in combinations(fits, 2):
        if preferred_law(first) and preferred_law(second):
            differences.append(_exponents(first, second, power))
        differences += _errors(first, second, power)
    return differences


def _exponents(first: Fit, second: Fit, power: float) -> DetectableDifference:
    measured = compare_laws(first, second).difference
    laws = require_law(first), require_law(second)
    own_draws = pair_draws(laws)[0]
    variance = 0.0
    for law, draws in zip(laws, (own_draws.first, own_draws.second), strict=True):
        variance += float(draws.parameter("exponent").std() / student_inflation(law.dispersion.dof)) ** 2
    smallest = (measured.high - measured.low) / 2 + float(ndtri(power)) * np.sqrt(variance)
    return DetectableDifference(
        first=first.label,
        second=second.label,
        x=None,
        measured=measured,
        by_factor={factor: float(smallest / np.sqrt(factor)) for factor in SEED_FACTORS},
    )


def _errors(first: Fit, second: Fit, power: float) -> list[DetectableDifference]:
    dispersions = [fit.points.replicate_dispersion for fit in (first, second)]
    if None in dispersions:
        return []
    differences = []
    for size in sorted(set(first.points.widths) & set(second.points.widths)):
        means, variances, dofs = [], [], []
        for fit, dispersion in zip((first, second), dispersions, strict=True):
            if dispersion is None:
                continue
            index = int(np.searchsorted(fit.points.widths, size))
            mean = float(fit.points.means[index])
            variance = float(fit.points.variance_model.variance(np.array(mean)))
            means.append(mean)
            variances.append(dispersion.value * variance / float(fit.points.weights[index]))
            dofs.append(dispersion.dof)
        average = float(np.mean(means))
        if average == 0:
            continue
        std_error = float(np.sqrt(sum(variances))) / average
        # Welch and Satterthwaite: the degrees of freedom of a sum of two estimated variances.
        dof = sum(variances) ** 2 / sum(v**2 / d for v, d in zip(variances, dofs, strict=True))
        half_width = float(student_quantile(dof)) * std_error
        difference = (means[0] - means[1]) / average
        smallest = half_width + float(stdtrit(dof, power)) * std_error
        differences.append(
            DetectableDifference(
                first=first.label,
                second=second.label,
                x=float(size),
                measured=Interval(
                    estimate=difference, low=difference - half_width, high=difference + half_width
                ),
                by_factor={factor: float(smallest / np.sqrt(factor)) for factor in SEED_FACTORS},
            )
        )
    return differences
