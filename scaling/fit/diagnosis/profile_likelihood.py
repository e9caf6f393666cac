"""Profile-likelihood intervals of a law, by MINUIT: a check of the bootstrap intervals.

The bootstrap interval says which estimates other studies would have given. The profile interval says which
values of a parameter the data reject if the other parameters fit as well as they can. It ends where twice the
loss of quasi-likelihood over the dispersion exceeds the 95 % quantile of F with 1 and the dispersion's
degrees of freedom. The search also checks the estimate: gradients from the estimate and from other starts
must not lead to a better optimum.

An interval covers the profile intervals of the same forms as the bootstrap interval of the law does, so that
both describe the exponent of the curve and not that of one form alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from iminuit import Minuit
from jaxtyping import Float
from scipy.special import fdtri

from scaling.errors import FitError
from scaling.fit.data.points import Points
from scaling.fit.data.variance import ZERO_DISPERSION
from scaling.fit.estimation.quasi_likelihood import quasi_loglik_gain
from scaling.fit.forms import Form
from scaling.fit.interval import CONFIDENCE_LEVEL, Interval, cover_parameters
from scaling.fit.result import Fit, Law

_STARTS = (0.5, 1.5)
"""Further starts of the search, as multiples of the estimate."""
_START_STD = 0.5
"""Standard deviation of random starting points."""
_START_TOLERANCE = 1e-3
"""Largest difference between optima that agree, in units of quasi-likelihood over dispersion."""
_COST_TOLERANCE = 1e-6
"""Largest difference between equal optima, in units of quasi-likelihood over dispersion.

It changes the tenth digit of an interval's limit."""


@dataclass(frozen=True, kw_only=True)
class LawProfile:
    """Profile-likelihood intervals of one law."""

    form: str
    """Name of the form."""
    covered_forms: tuple[str, ...]
    """Names of the other forms that the data do not exclude; the intervals cover theirs."""
    parameters: dict[str, Interval]
    """Parameters by name, with their profile intervals.

    An interval that reaches a bound is one-sided. A limit that the search cannot find is infinite."""
    confirmed: bool
    """True if the search finds no better optimum and the curvature is positive in all directions."""

    def to_dict(self) -> dict[str, Any]:
        """Return the profile as JSON values."""
        return asdict(self)


def profile_laws(fit: Fit) -> list[LawProfile]:
    """Profile every law of a fit that has a profile likelihood.

    Args:
        fit: laws of one group.
    """
    if fit.points.misclassified is not None:
        return []
    profiles = {
        name: _profile_form(law, fit.points)
        for name, law in fit.laws.items()
        if law.dispersion.value >= ZERO_DISPERSION
    }
    return [_cover(fit.laws[name], profiles) for name in profiles]


def profile_law(fit: Fit, form: str = "power") -> LawProfile:
    """Profile one law of a fit.

    Args:
        fit: laws of one group.
        form: name of the form.

    Raises:
        FitError: the fit has no law of this form, its points have no scatter, or the test images count as a
            sample, for which there is no likelihood.
    """
    if form not in fit.laws:
        raise FitError(f"{fit.label} has no law of the form {form}; it has {', '.join(fit.laws) or 'no law'}")
    if fit.points.misclassified is not None:
        raise FitError("a profile needs test images that are taken as given; leave out `population`")
    profile = next((profile for profile in profile_laws(fit) if profile.form == form), None)
    if profile is None:
        raise FitError(f"{fit.label}: the points have no scatter, so no value of a parameter can be rejected")
    return profile


def _profile_form(law: Law, points: Points) -> LawProfile:
    """Profile one law on the condition that its form is right."""
    dispersion = law.dispersion
    cost = _Cost(law.form, points, dispersion.value, estimate=law.estimates)
    minuit = _minimise(cost, law.estimates, errordef=float(fdtri(1, dispersion.dof, CONFIDENCE_LEVEL)))
    lowest = float(minuit.fval or 0.0)
    costs_elsewhere = [cost(law.form.to_internal(law.estimates))]
    costs_elsewhere += [
        float(_minimise(cost, law.estimates * start, errordef=1.0).fval or 0.0) for start in _STARTS
    ]
    is_lowest = lowest > costs_elsewhere[0] - _COST_TOLERANCE and all(
        elsewhere > lowest - _COST_TOLERANCE for elsewhere in costs_elsewhere[1:]
    )
    return LawProfile(
        form=law.form.name,
        covered_forms=(),
        parameters={
            name: _profile_interval(minuit, law.form, name=name, estimate=float(estimate))
            for name, estimate in zip(law.form.parameters, law.estimates, strict=True)
        },
        confirmed=bool(minuit.valid and is_lowest),
    )


def _cover(law: Law, profiles: Mapping[str, LawProfile]) -> LawProfile:
    """Return the profile of a law that covers those of the forms that the intervals of the law cover."""
    profile = profiles[law.form.name]
    names = dict.fromkeys(draws.form.name for draws in law.alternatives)
    others = [profiles[name] for name in names if name in profiles and name != profile.form]
    return replace(
        profile,
        covered_forms=tuple(other.form for other in others),
        parameters=cover_parameters(profile.parameters, [other.parameters for other in others]),
        confirmed=profile.confirmed and all(other.confirmed for other in others),
    )


def count_agreeing_starts(law: Law, points: Points, *, starts: int, seed: int = 0) -> int:
    """Count the starting points from which the search finds the optimum of the estimate, and no better one.

    Args:
        law: the estimate.
        points: the runs that the law is fitted to.
        starts: number of starting points, normal about the estimate: with a standard deviation of one half in
            logarithms, or in the value of a parameter that can be negative.
        seed: seed of the starting points.
    """
    form, rng = law.form, np.random.default_rng(seed)
    dispersion = max(law.dispersion.value, ZERO_DISPERSION)
    cost = _Cost(form, points, dispersion, estimate=law.estimates)
    estimate = form.to_internal(law.estimates)
    low = np.array([form.lower_bounds.get(name, -np.inf) for name in form.parameters])
    lowest, agreeing = cost(estimate), 0
    for _ in range(starts):
        start = np.maximum(estimate + _START_STD * rng.standard_normal(len(estimate)), low)
        found = float(_minimise(cost, form.from_internal(start), errordef=1.0).fval or 0.0)
        agreeing += abs(found - lowest) < _START_TOLERANCE
    return agreeing


class _Cost:
    """Minus twice the quasi-likelihood over the dispersion, for the form's internal parameters.

    It is 0 at the estimate. Otherwise, with many runs, rounding would hide the differences between curves.
    """

    def __init__(
        self, form: Form, points: Points, dispersion: float, *, estimate: Float[np.ndarray, " p"]
    ) -> None:
        self.form, self.points, self.dispersion = form, points, dispersion
        self.reference = form.evaluate(estimate, points.widths)

    def __call__(self, internal: Float[np.ndarray, " p"]) -> float:
        with np.errstate(all="ignore"):
            curve = self.form.evaluate(self.form.from_internal(internal), self.points.widths)
            cost = -2 * quasi_loglik_gain(self.points, curve, self.reference) / self.dispersion
        return cost if np.isfinite(cost) else 1e300

    def gradient(self, internal: Float[np.ndarray, " p"]) -> Float[np.ndarray, " p"]:
        parameters, points = self.form.from_internal(internal), self.points
        with np.errstate(all="ignore"):
            curve = self.form.evaluate(parameters, points.widths)
            residuals = points.weights * (points.means - curve) / points.variance_model.variance(curve)
            gradient = residuals @ self.form.internal_jacobian(parameters, points.widths)
        return np.nan_to_num(-2 * gradient / self.dispersion)


def _minimise(cost: _Cost, start: Float[np.ndarray, " p"], *, errordef: float) -> Minuit:
    minuit = Minuit(cost, cost.form.to_internal(start), grad=cost.gradient, name=cost.form.parameters)
    minuit.errordef, minuit.strategy, minuit.tol = errordef, 2, 1e-6
    for name, bound in cost.form.lower_bounds.items():
        minuit.limits[name] = (bound, None)
    return minuit.migrad()


def _profile_interval(minuit: Minuit, form: Form, *, name: str, estimate: float) -> Interval:
    """Return the profile interval of one parameter by MINOS; either limit may be missing."""
    try:
        minuit.minos(name, cl=None)
    except RuntimeError:  # the optimum is not valid
        return Interval(estimate=estimate, low=-np.inf, high=np.inf)
    error, optimum = minuit.merrors[name], minuit.values[name]
    low = optimum + error.lower if error.lower_valid else form.lower_bounds.get(name, -np.inf)
    high = optimum + error.upper if error.upper_valid else np.inf
    if name in form.log_parameters:
        low, high = float(np.exp(low)), float(np.exp(high))
    return Interval.around(estimate, low=low, high=high)
