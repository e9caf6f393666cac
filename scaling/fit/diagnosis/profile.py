"""A second opinion on one law's interval: the profile quasi-likelihood, by MINUIT.

Where the resampled interval asks what other studies would have given, this one asks which values of a parameter the points refuse, the other
parameters being as good for them as they can. It ends where twice the loss of quasi-likelihood over the dispersion passes the 95 % quantile of
F with 1 and the dispersion's degrees of freedom. The search also checks the estimate: from it and from other starts, by gradients, no better
optimum may be found.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from iminuit import Minuit
from jaxtyping import Float
from scipy.special import fdtri

from scaling.errors import FitError
from scaling.fit.data.points import Points
from scaling.fit.data.variance import ZERO_DISPERSION
from scaling.fit.estimation.maximise import quasi_loglik
from scaling.fit.forms import Form
from scaling.fit.interval import CONFIDENCE_LEVEL, Interval
from scaling.fit.result import Fit

STARTS = (0.5, 1.5)
"""Further starts, as multiples of the estimate."""
AGREE = 1e-6
"""Of two optima, in units of the quasi-likelihood over the dispersion; the tenth digit of an interval's end."""


@dataclass(frozen=True, kw_only=True)
class LawProfile:
    """One law."""

    form: str
    parameters: dict[str, Interval]
    """By the form's names. An interval that reaches a bound is one-sided; an end that the search can't find is infinite."""
    confirmed: bool
    """Whether gradients and other starts lead to the estimate, with a curvature that is positive in all directions."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class _Cost:
    """Minus twice the quasi-likelihood over the dispersion, of parameters that are searched as the form says."""

    def __init__(self, form: Form, points: Points, dispersion: float) -> None:
        self.form, self.points, self.dispersion = form, points, dispersion

    def __call__(self, inner: Float[np.ndarray, " p"]) -> float:
        with np.errstate(all="ignore"):
            value = (
                -2
                * quasi_loglik(
                    self.points, self.form.evaluate(self.form.from_internal(inner), self.points.widths)
                )
                / self.dispersion
            )
        return value if np.isfinite(value) else 1e300

    def gradient(self, inner: Float[np.ndarray, " p"]) -> Float[np.ndarray, " p"]:
        parameters, points = self.form.from_internal(inner), self.points
        with np.errstate(all="ignore"):
            curve = self.form.evaluate(parameters, points.widths)
            moves = self.form.internal_jacobian(parameters, points.widths)
            slope = (points.weights * (points.means - curve) / points.variance_model.variance(curve)) @ moves
        return np.nan_to_num(-2 * slope / self.dispersion)


def profile_laws(fit: Fit) -> list[LawProfile]:
    """Of every law that has one."""
    if fit.points.misclassified is not None:
        return []
    return [
        profile_law(fit, form) for form, law in fit.laws.items() if law.dispersion.value >= ZERO_DISPERSION
    ]


def profile_law(fit: Fit, form: str = "power") -> LawProfile:
    """The profile intervals of one law of a fit.

    Raises:
        FitError: there is no law of this form, its points know no scatter, or their images are a sample, of which a profile knows nothing.
    """
    if form not in fit.laws:
        raise FitError(f"{fit.label} has no law of the form {form}")
    law, points = fit.laws[form], fit.points
    if points.misclassified is not None:
        raise FitError("a profile takes the test images as given; leave out --population")
    known = law.dispersion
    if known.value < ZERO_DISPERSION:
        raise FitError(f"{fit.label}: its points have no scatter, so nothing refuses a law")
    cost = _Cost(law.form, points, known.value)
    estimate = np.array([law.parameters[name].estimate for name in law.form.parameters])
    found = _search(cost, estimate, float(fdtri(1, known.dof, CONFIDENCE_LEVEL)))
    best = float(found.fval or 0.0)
    agree = best > cost(cost.form.to_internal(estimate)) - AGREE and all(
        float(_search(cost, estimate * start, 1.0).fval or 0.0) > best - AGREE for start in STARTS
    )
    return LawProfile(
        form=form,
        parameters={
            name: _interval(cost, found, place, estimate[place])
            for place, name in enumerate(law.form.parameters)
        },
        confirmed=bool(found.valid and agree),
    )


def _search(cost: _Cost, start: Float[np.ndarray, " p"], level: float) -> Minuit:
    names = cost.form.parameters
    search = Minuit(cost, cost.form.to_internal(start), grad=cost.gradient, name=names)
    search.errordef, search.strategy, search.tol = level, 2, 1e-6
    for name, bound in cost.form.lower_bounds.items():
        search.limits[name] = (bound, None)
    return search.migrad()


def _interval(cost: _Cost, found: Minuit, place: int, estimate: float) -> Interval:
    """By MINOS; each end for itself, since one may be missing."""
    name = cost.form.parameters[place]
    bounded = found.limits[name][0] == 0
    ends = [0.0 if bounded else -np.inf, np.inf]
    try:
        found.minos(name, cl=None)
    except RuntimeError:  # the optimum is not valid
        return Interval(estimate=float(estimate), low=-np.inf, high=np.inf)
    error, inner = found.merrors[name], found.values[name]
    if error.lower_valid:
        ends[0] = inner + error.lower
    if error.upper_valid:
        ends[1] = inner + error.upper
    low, high = (float(np.exp(end)) if cost.form.is_log[place] else float(end) for end in ends)
    return Interval(estimate=float(estimate), low=min(low, float(estimate)), high=max(high, float(estimate)))
