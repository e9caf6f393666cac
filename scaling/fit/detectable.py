"""Smallest difference between two curves that a study can show, with its seeds or with more.

A difference is shown if its 95 % interval excludes 0. The smallest detectable difference is the true one that
is shown in 80 % of studies. It is found by simulation: studies like the given one are drawn from its laws,
and each takes the whole way from the verdict to the interval of the difference. If a limit of the interval
lies less than d from the true difference in 80 % of them, a true difference of d is shown in 80 %.

- Difference of exponents: of the laws that the verdicts name, with the intervals of ``exponent_difference``.
- Difference of errors at one size: a t test of the two means, with the dispersion of each curve.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float

from scaling.errors import FitError, UsageError
from scaling.fit.comparison.exponents import exponent_difference
from scaling.fit.comparison.law_choice import preferred_law
from scaling.fit.data.points import Points
from scaling.fit.data.variance import Dispersion
from scaling.fit.estimation.options import EstimationOptions
from scaling.fit.fit import fit
from scaling.fit.interval import Interval, student_quantile
from scaling.fit.result import Fit, Law
from scaling.fit.simulated_study import simulate_study

DEFAULT_POWER = 0.8
SEED_FACTORS = (1, 2, 4)
"""Numbers of seeds, as multiples of those that are there."""
STUDIES = 200
"""Number of simulated studies."""
_RESAMPLINGS = 200

OnProgress = Callable[[int, int], None]
"""Function that receives the number of simulated curves, and the number of all."""


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
    """Smallest detectable difference, in the same unit, by the multiple of the present seeds; infinite if too
    many studies have no interval."""

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values; ``none`` stands for a difference that does not exist."""
        smallest = {factor: "none" if math.isinf(d) else d for factor, d in self.by_factor.items()}
        return {**asdict(self), "by_factor": smallest}


@dataclass(frozen=True, kw_only=True, eq=False)
class _Curve:
    """A curve of the study, and its simulated repetitions."""

    fit: Fit
    means: Float[np.ndarray, " widths"]
    """True means of the simulated studies."""
    studies: dict[int, list[Points]]
    """Simulated runs, by the multiple of the seeds."""
    law: Law | None
    """Law that the verdict names; None if the curve has no law that can be compared."""
    laws: dict[int, list[Law | None]]
    """Laws that the verdicts of the simulated runs name, by the multiple of the seeds; None without a law."""


def detectable_differences(
    fits: Sequence[Fit],
    *,
    power: float = DEFAULT_POWER,
    factors: Sequence[int] = SEED_FACTORS,
    studies: int = STUDIES,
    on_progress: OnProgress | None = None,
) -> list[DetectableDifference]:
    """Return the smallest detectable differences of every pair of curves: exponents, then errors by size.

    Args:
        fits: laws of the curves, along one x.
        power: share of studies in which the difference is shown, between 0.5 and 1.
        factors: numbers of seeds, as multiples of those that are there.
        studies: number of simulated studies.
        on_progress: called after each simulated curve.

    Raises:
        UsageError: the power is not between 0.5 and 1.
    """
    if not 0.5 <= power < 1:
        raise UsageError(f"expected a number from 0.5 to below 1, got {power:g}", option="power")
    done, total = 0, len(fits) * len(factors) * studies

    def report() -> None:
        nonlocal done
        done += 1
        if on_progress:
            on_progress(done, total)

    curves = [_simulate(one, index, factors, studies, report) for index, one in enumerate(fits)]
    differences = []
    for first, second in combinations([curve for curve in curves if curve], 2):
        differences += _exponents(first, second, power) + _errors(first, second, power)
    return differences


def _simulate(
    measured: Fit, index: int, factors: Sequence[int], studies: int, report: Callable[[], None]
) -> _Curve | None:
    """Draw studies from the law that the verdict names, or else from the means; None without replicates."""
    points, law = measured.points, preferred_law(measured)
    dispersion: Dispersion | None = law.dispersion if law else points.replicate_dispersion
    if dispersion is None:
        return None
    means = np.asarray(law.predict(points.widths)) if law else points.means
    drawn: dict[int, list[Points]] = {factor: [] for factor in factors}
    laws: dict[int, list[Law | None]] = {factor: [] for factor in factors}
    for factor in factors:
        for study in range(studies):
            rng = np.random.default_rng([index, factor, study])
            drawn[factor].append(simulate_study(points, means, dispersion, rng, copies=factor))
            if law:
                laws[factor].append(_fit(drawn[factor][-1], measured, study))
            report()
    return _Curve(fit=measured, means=means, studies=drawn, law=law, laws=laws)


def _fit(points: Points, measured: Fit, seed: int) -> Law | None:
    """Return the law of simulated runs that their verdict names; None without one that can be compared."""
    options = EstimationOptions(resamplings=_RESAMPLINGS, seed=seed)
    try:
        return preferred_law(fit(points, options, group=measured.group))
    except FitError:
        return None


def _exponents(first: _Curve, second: _Curve, power: float) -> list[DetectableDifference]:
    if first.law is None or second.law is None:
        return []
    measured = exponent_difference((first.law, second.law))
    by_factor = {}
    for factor in first.laws:
        pairs = zip(first.laws[factor], second.laws[factor], strict=True)
        intervals = [exponent_difference((a, b)) if a and b else None for a, b in pairs]
        by_factor[factor] = _smallest(measured.estimate, intervals, power)
    return [
        DetectableDifference(
            first=first.fit.label,
            second=second.fit.label,
            x=None,
            measured=measured,
            by_factor=by_factor,
        )
    ]


def _errors(first: _Curve, second: _Curve, power: float) -> list[DetectableDifference]:
    differences = []
    curves = first, second
    for size in sorted(set(first.fit.points.widths) & set(second.fit.points.widths)):
        measured = _relative_difference(first.fit.points, second.fit.points, size)
        if measured is None:
            continue
        means = [float(c.means[np.searchsorted(c.fit.points.widths, size)]) for c in curves]
        truth = (means[0] - means[1]) / float(np.mean(means))
        by_factor = {}
        for factor in first.studies:
            pairs = zip(first.studies[factor], second.studies[factor], strict=True)
            intervals = [_relative_difference(a, b, size) for a, b in pairs]
            by_factor[factor] = _smallest(truth, intervals, power)
        differences.append(
            DetectableDifference(
                first=first.fit.label,
                second=second.fit.label,
                x=float(size),
                measured=measured,
                by_factor=by_factor,
            )
        )
    return differences


def _smallest(truth: float, intervals: Sequence[Interval | None], power: float) -> float:
    """Return the distance from the truth to the nearer limits of intervals that is enough for this power."""
    distances = []
    for interval in intervals:
        distances += [truth - interval.low, interval.high - truth] if interval else [math.inf, math.inf]
    return float(np.quantile(distances, power, method="higher"))


def _relative_difference(first: Points, second: Points, size: float) -> Interval | None:
    """Return the difference of two means over the mean of both; None without replicates, or if both are 0."""
    means, variances, dofs = [], [], []
    for points in (first, second):
        dispersion = points.replicate_dispersion
        if dispersion is None:
            return None
        index = int(np.searchsorted(points.widths, size))
        mean = float(points.means[index])
        variance = float(points.variance_model.variance(np.array(mean)))
        means.append(mean)
        variances.append(dispersion.value * variance / float(points.weights[index]))
        dofs.append(dispersion.dof)
    average = float(np.mean(means))
    if average == 0:
        return None
    estimate = (means[0] - means[1]) / average
    if not any(variances):  # copies of each other
        return Interval(estimate=estimate, low=estimate, high=estimate)
    # Welch and Satterthwaite: the degrees of freedom of a sum of two estimated variances.
    dof = sum(variances) ** 2 / sum(v**2 / d for v, d in zip(variances, dofs, strict=True))
    half_width = float(student_quantile(dof)) * float(np.sqrt(sum(variances))) / average
    return Interval(estimate=estimate, low=estimate - half_width, high=estimate + half_width)
