"""Smallest difference between two curves that a study can show, with its seeds or with more.

A difference is shown if its 95 % interval excludes 0. The smallest detectable difference is the true one that
is shown in 80 % of studies.

- Difference of exponents: studies are simulated from the laws that the verdicts name, and each is fitted and
  compared as the measured one: its verdict may name another form, whose interval has another width. A true
  difference moves the limits of the intervals with it, so one set of studies serves all differences.
- Difference of errors at one size: a t test of the two means, with the dispersion of each curve. It shrinks
  with the square root of the number of seeds, if the dispersion stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from math import inf
from typing import Any

import numpy as np
from scipy.special import stdtrit

from scaling.errors import FitError, UsageError
from scaling.fit.comparison.exponents import compare_laws
from scaling.fit.comparison.law_choice import preferred_law
from scaling.fit.data.points import Points
from scaling.fit.estimation.options import EstimationOptions
from scaling.fit.fit import fit as fit_points
from scaling.fit.interval import Interval, student_quantile
from scaling.fit.result import Fit, Law

DEFAULT_POWER = 0.8
SEED_FACTORS = (1, 2, 4)
"""Numbers of seeds, as multiples of those that are there."""
_STUDIES = 100
"""Number of simulated studies. Both limits of each interval count: a difference may have either sign."""
_RESAMPLINGS = 400
"""Number of resamplings of a simulated study."""


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
    """Smallest detectable difference, in the same unit, by the multiple of the present seeds.

    It is infinite if fewer studies than the wanted share have limits of the difference."""

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values, with ``none`` for a difference that is never shown."""
        by_factor = {factor: "none" if value == inf else value for factor, value in self.by_factor.items()}
        return {**asdict(self), "by_factor": by_factor}


def detectable_differences(
    fits: Sequence[Fit],
    *,
    power: float = DEFAULT_POWER,
    factors: Sequence[int] = SEED_FACTORS,
    seed: int = 0,
) -> list[DetectableDifference]:
    """Return the smallest detectable differences of every pair of curves: exponents, then errors by size.

    Args:
        fits: laws of the curves, along one x.
        power: share of studies in which the difference is shown, between 0.5 and 1.
        factors: multiples of the present number of seeds.
        seed: seed of the simulated studies.

    Raises:
        UsageError: the power is not between 0.5 and 1.
    """
    if not 0.5 <= power < 1:
        raise UsageError(f"{power:g}: expected a number from 0.5 to below 1", option="power")
    simulated = {
        (index, factor): _simulate_fits(fit, law, factor=factor, seed=(seed, index))
        for index, fit in enumerate(fits)
        if (law := preferred_law(fit))
        for factor in factors
    }
    differences = []
    for (i, first), (j, second) in combinations(enumerate(fits), 2):
        if preferred_law(first) and preferred_law(second):
            measured = compare_laws(first, second).difference
            smallest = {
                factor: _smallest(simulated[i, factor], simulated[j, factor], measured.estimate, power)
                for factor in factors
            }
            differences.append(
                DetectableDifference(
                    first=first.label, second=second.label, x=None, measured=measured, by_factor=smallest
                )
            )
        differences += _errors(first, second, power, factors)
    return differences


def _simulate_fits(fit: Fit, law: Law, *, factor: int, seed: tuple[int, int]) -> list[Fit | None]:
    """Simulate studies of one curve and fit them; None for a study without a law.

    Args:
        fit: the measured curve.
        law: its law, which the simulated curves have.
        factor: number of simulated runs for each measured run.
        seed: seed of the simulations.
    """
    rng = np.random.default_rng([*seed, factor])
    fits: list[Fit | None] = []
    for study in range(_STUDIES):
        points = _simulate_runs(fit.points, law, rng, factor=factor)
        options = EstimationOptions(resamplings=_RESAMPLINGS, seed=study)
        try:
            fits.append(fit_points(points, options, group=fit.group))
        except FitError:
            fits.append(None)
    return fits


def _simulate_runs(points: Points, law: Law, rng: np.random.Generator, *, factor: int) -> Points:
    """Return runs that scatter about a law as the measured runs do.

    What the means scatter beyond their runs, such as the effect of an order of minibatches, is one deviation
    of each width, which more runs do not average out.
    """
    curve, index = law.predict(points.widths), np.tile(points.width_index, factor)
    known_std = None if points.known_std is None else np.tile(points.known_std, factor)
    runs = points.run_dispersion
    variance = points.variance_model.variance(curve)
    shared = np.zeros(len(curve))
    if known_std is None and runs is not None:
        shared = np.maximum(law.dispersion.value - runs.value, 0) * variance / points.weights
    run_variance = (law.dispersion if runs is None else runs).value * variance[index]
    std = np.sqrt(run_variance) if known_std is None else known_std
    deviation = std * rng.standard_normal(len(index))
    deviation += (np.sqrt(shared) * rng.standard_normal(len(curve)))[index]
    if points.test_images is None:
        y = curve[index] * np.exp(deviation / curve[index])  # bare values have log-normal scatter
    else:
        y = np.clip(curve[index] + deviation, 0, 1)
    return Points(
        x_name=points.x_name,
        y_name=points.y_name,
        x=points.widths[index],
        y=y,
        test_images=points.test_images,
        known_std=known_std,
        has_seeds=points.has_seeds,
    )


def _smallest(
    firsts: Sequence[Fit | None], seconds: Sequence[Fit | None], planted: float, power: float
) -> float:
    """Return the true difference whose interval excludes 0 in a share of the simulated studies.

    Args:
        firsts: simulated studies of the first curve.
        seconds: simulated studies of the second curve.
        planted: difference of the exponents from which they are simulated.
        power: the share.
    """
    distances: list[float] = []
    for first, second in zip(firsts, seconds, strict=True):
        if first and second and preferred_law(first) and preferred_law(second):
            difference = compare_laws(first, second).difference
            distances += [planted - difference.low, difference.high - planted]
        else:
            distances += [inf, inf]
    return float(np.quantile(distances, power, method="higher"))


def _errors(first: Fit, second: Fit, power: float, factors: Sequence[int]) -> list[DetectableDifference]:
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
                by_factor={factor: float(smallest / np.sqrt(factor)) for factor in factors},
            )
        )
    return differences
