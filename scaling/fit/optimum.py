"""Where an error is least along an axis: a parabola in log x through the logarithms of the mean errors, and the interval of its lowest place.

Means over seeds are fitted, each with the weight that its variance asks for: a binomial's times the dispersion for counts of images, a
constant share of the mean for bare values. How far means scatter is told as ``scaling.fit.data.dispersion`` says, by their runs or by how they lie
about the parabola. The lowest place of b u + c u^2, with u = log x, is -b / 2c, a ratio of normal estimates. Its interval is Fieller's (1954):
every place whose slope b + 2 c u does not differ from 0, by Student's quantile. It has two ends only where c itself differs from 0.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import exp, inf, sqrt
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import fdtri, stdtrit

from scaling.errors import FitError
from scaling.fit.data.dispersion import dispersion_about, law_dispersion
from scaling.fit.data.points import Points
from scaling.fit.data.variance import ZERO_DISPERSION, Dispersion
from scaling.fit.diagnosis.status import SEEDS
from scaling.fit.interval import CONFIDENCE_LEVEL, Interval
from scaling.fit.result import MISFIT_P, Sizes, Status

PARAMETERS = 3
VALUES = 5
"""Fewer values of x than these ask for a look."""
DRAWS = 4000
"""Of parabolas, for what follows from them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Optimum:
    """One curve's lowest place."""

    label: str
    points: Points
    x_opt: Interval
    """The x of the least error; the ends are 0 and infinite where nothing bounds it."""
    curvature: Interval
    """c: of log error by the square of log x."""
    coefficients: Float[np.ndarray, " p"]
    """Of 1, u and u^2, where u is log x less ``middle``."""
    covariance: Float[np.ndarray, "p p"]
    middle: float
    scatter: Dispersion
    estimand: str
    status: Status
    reason: str
    notes: tuple[str, ...]

    def predict(self, x: Sizes) -> Float[np.ndarray, " *x"]:
        """The fitted mean error."""
        return np.asarray(np.exp(self._moves(x) @ self.coefficients))

    def band(self, x: Sizes) -> tuple[Float[np.ndarray, " *x"], Float[np.ndarray, " *x"]]:
        """Its 95 % band, at each x by itself."""
        moves = self._moves(x)
        half = quantile(self.scatter) * np.sqrt(np.einsum("...i,ij,...j->...", moves, self.covariance, moves))
        return np.asarray(self.predict(x) * np.exp(-half)), np.asarray(self.predict(x) * np.exp(half))

    def relative_to_minimum(self, x: float, *, seed: int = 0) -> Interval:
        """The error at x over the least one within what was measured; its low end is 1 where x may be the lowest place."""
        rng = np.random.default_rng(seed)
        normal = rng.multivariate_normal(np.zeros(PARAMETERS), self.covariance, DRAWS, method="eigh")
        # Student's: one scatter for all three coefficients.
        drawn = (
            self.coefficients
            + normal / np.sqrt(rng.chisquare(self.scatter.dof, DRAWS) / self.scatter.dof)[:, None]
        )
        inside = np.geomspace(self.points.widths[0], self.points.widths[-1], 400)

        def over(coefficients: np.ndarray) -> np.ndarray:
            curves = coefficients @ self._moves([*inside, x]).T
            return np.asarray(np.exp(curves[..., -1] - curves.min(axis=-1)))

        low, high = map(
            float, np.quantile(over(drawn), [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2])
        )
        estimate = float(over(self.coefficients))
        maybe = self.x_opt.low <= x <= self.x_opt.high
        return Interval(estimate=estimate, low=1.0 if maybe else min(low, estimate), high=max(high, estimate))

    def _moves(self, x: Sizes) -> Float[np.ndarray, "*x 3"]:
        return np.stack(
            [np.ones(np.shape(x)), (u := np.log(np.asarray(x, dtype=float)) - self.middle), u**2], axis=-1
        )

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        points = self.points
        return {
            "label": self.label,
            "x": points.x_name,
            "y": points.y_name,
            "x_opt": asdict(self.x_opt),
            "curvature": asdict(self.curvature),
            "estimand": self.estimand,
            "status": self.status.value,
            "reason": self.reason,
            "notes": list(self.notes),
            "scatter": self.scatter.to_dict(),
            "points": {
                "x": points.widths.tolist(),
                "runs": points.counts.tolist(),
                "mean": points.means.tolist(),
            },
        }


def find_optimum(points: Points, *, label: str = "all", notes: tuple[str, ...] = ()) -> Optimum:
    """Find the lowest place of a curve.

    Raises:
        FitError: fewer than three values of x, a mean of 0, or nothing that tells how far means scatter.
    """
    x, means = points.widths, points.means
    if len(x) < PARAMETERS:
        raise FitError(
            f"{label}: a lowest place needs at least {PARAMETERS} values of {points.x_name}, not {len(x)}; add values"
        )
    if not means.all():
        raise FitError(
            f"{label}: no run made an error at {points.x_name} {x[means == 0][0]:g}, and zero has no logarithm; leave it out"
        )
    weights = points.weights * means**2 / points.variance_model.variance(means)
    middle = float(np.average(np.log(x), weights=weights))
    u = np.log(x) - middle
    moves = np.stack([np.ones_like(u), u, u**2], axis=1)
    inverse = np.linalg.inv(moves.T @ (weights[:, None] * moves))
    coefficients = inverse @ moves.T @ (weights * np.log(means))
    curve = np.exp(moves @ coefficients)
    known = law_dispersion(points, curve, PARAMETERS)
    if known is None:
        raise FitError(
            f"{label}: three values of {points.x_name} without replicates have no interval; add seeds or values"
        )
    covariance = known.value * inverse
    x_opt, curvature = _fieller(coefficients, covariance, known, middle)
    status, reason = _judged(points, curve, x_opt, curvature)
    return Optimum(
        label=label,
        points=points,
        x_opt=x_opt,
        curvature=curvature,
        coefficients=coefficients,
        covariance=covariance,
        middle=middle,
        scatter=known,
        estimand=f"least mean {points.y_name} over seeds"
        + (", on this test set" if points.y_name == "test_error" else ""),
        status=status,
        reason=reason,
        notes=notes,
    )


def quantile(known: Dispersion) -> float:
    """Student's, of both sides."""
    return float(stdtrit(known.dof, (1 + CONFIDENCE_LEVEL) / 2))


def _fieller(
    coefficients: Float[np.ndarray, " p"],
    covariance: Float[np.ndarray, "p p"],
    known: Dispersion,
    middle: float,
) -> tuple[Interval, Interval]:
    """The lowest place in x, and the curvature."""
    (_, b, c), t = coefficients, quantile(known)
    half = t * sqrt(covariance[2, 2])
    curvature = Interval(estimate=float(c), low=float(c - half), high=float(c + half))
    estimate = exp(np.clip(middle - b / (2 * c), -300, 300)) if c else inf
    if curvature.low <= 0:
        return Interval(estimate=estimate, low=0.0, high=inf), curvature
    ends = np.roots(
        [
            4 * (c**2 - t**2 * covariance[2, 2]),
            4 * (b * c - t**2 * covariance[1, 2]),
            b**2 - t**2 * covariance[1, 1],
        ],
    ).real
    low, high = (exp(np.clip(middle + end, -300, 300)) for end in sorted(ends))
    return Interval(estimate=estimate, low=min(low, estimate), high=max(high, estimate)), curvature


def _judged(
    points: Points, curve: Float[np.ndarray, " x"], x_opt: Interval, curvature: Interval
) -> tuple[Status, str]:
    x, spare, known = points.widths, len(points.widths) - PARAMETERS, points.replicate_dispersion
    if not spare:
        return (
            Status.REJECTED,
            f"{len(x)} values of {points.x_name} for {PARAMETERS} parameters: any data would fit",
        )
    if curvature.low <= 0:
        return (
            Status.REJECTED,
            f"the curvature is not clearly positive: {curvature.estimate:.2g} [{curvature.low:.2g}, {curvature.high:.2g}]",
        )
    if not x[0] < x_opt.estimate < x[-1]:
        return (
            Status.REJECTED,
            f"the lowest place is not bracketed: it lies beyond the values of {points.x_name}, {x[0]:.3g} to {x[-1]:.3g}",
        )
    reasons = []
    if len(x) < VALUES:
        reasons.append(f"fewer than {VALUES} values of {points.x_name}")
    if points.counts.min() < SEEDS and points.known_std is None:
        reasons.append(f"fewer than {SEEDS} runs at a value")
    if x_opt.low < x[0] or x_opt.high > x[-1]:
        reasons.append(f"the interval reaches beyond the values of {points.x_name}")
    if known is not None and known.value < ZERO_DISPERSION:
        reasons.append("the runs of each value are equal, as copies are")
    elif known is not None:
        far = dispersion_about(points, curve, spare) / known.value
        if far > fdtri(spare, known.dof, 1 - MISFIT_P):
            reasons.append(
                f"the means lie {sqrt(far):.2g} times as far from the parabola as their seeds explain"
            )
    return (Status.CAUTION if reasons else Status.USABLE), "; ".join(reasons)
