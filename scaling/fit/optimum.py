"""Optimum of a curve: the x with the smallest mean error, by a falling and a rising power law over a floor.

The means over seeds are fitted by weighted least squares with E + a x^-p + b x^q (``two_powers``); the
weights are those of the points' variance model, and the dispersion is that of
``scaling.fit.data.dispersion``. The interval of the optimum inverts a test: it contains each x at which the
best curve with its minimum there fits almost as well as the best curve, by the quantile of F with 1 and the
dispersion's degrees of freedom. It is open on a side where even a minimum at the outermost x is not rejected.
The estimate is corrected for its median bias, which resampled means show.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from math import exp, inf
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.special import fdtri

from scaling.errors import FitError
from scaling.fit.data.dispersion import law_dispersion
from scaling.fit.data.points import Points
from scaling.fit.data.variance import Dispersion
from scaling.fit.diagnosis.status import (
    MIN_SEEDS,
    Assessment,
    describe_dispersion,
    describe_points,
    misfit_reasons,
)
from scaling.fit.estimation.bootstrap import resample_means
from scaling.fit.estimation.two_powers import N_PARAMETERS, TwoPowers, fit_two_powers, profile_minimum
from scaling.fit.interval import CONFIDENCE_LEVEL, Interval, draw_limits
from scaling.fit.result import Sizes, Status

RESAMPLINGS = 200
"""Number of resampled studies."""
_MIN_VALUES = 6
"""Number of values of x below which an optimum is used with caution."""
_REWEIGHTINGS = 2
"""Number of times that the weights are computed anew from the fitted curve."""
_PROFILE_POSITIONS = 65
"""Number of positions at which the minimum is tested, on the range of x and again around the interval."""
_EDGE_TOLERANCE = 1e-3
"""Distance to the outermost value, over the range of log x, within which an optimum is at the edge."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Optimum:
    """Optimum of one curve, and the fitted curve from which it follows."""

    label: str
    """Name of the curve."""
    points: Points
    """Runs of the curve."""
    x_opt: Interval
    """x with the smallest error, with its 95 % interval; a limit is 0 or infinite if the data show none."""
    curve: TwoPowers
    """Fitted curve: one row."""
    draws: TwoPowers
    """Curves that were fitted to resampled means."""
    dispersion: Dispersion
    """Dispersion of the means, on which the intervals rest."""
    estimand: str
    """What the curve describes."""
    status: Status
    reason: str
    """Reasons why the optimum is not usable without caution; empty if it is."""
    notes: tuple[str, ...]
    """Sentences about what was left out or is unusual."""

    def with_caution(self, reason: str) -> Optimum:
        """Return the optimum with one more reason for caution; an empty reason changes nothing."""
        if not reason or self.status is Status.REJECTED:
            return self
        return replace(self, status=Status.CAUTION, reason="; ".join(filter(None, (self.reason, reason))))

    @property
    def lowest(self) -> Interval:
        """Smallest mean error, with its 95 % interval."""
        return Interval.from_draws(float(self.curve.lowest[0]), [self.draws.lowest])

    def predict(self, x: Sizes) -> Float[np.ndarray, " *x"]:
        """Return the fitted mean error at ``x``."""
        return np.asarray(self.curve.evaluate(np.atleast_1d(x))[0].reshape(np.shape(x)))

    def band(self, x: Float[np.ndarray, " x"]) -> tuple[Float[np.ndarray, " x"], Float[np.ndarray, " x"]]:
        """Return the pointwise 95 % band of the mean error at ``x``: the lower and the upper curve."""
        low, high = draw_limits([self.draws.evaluate(np.asarray(x, dtype=float))])
        return np.minimum(low, self.predict(x)), np.maximum(high, self.predict(x))

    def relative_to_minimum(self, x: float) -> Interval:
        """Return the error at ``x`` over the smallest error, with its 95 % interval.

        The lower limit is 1 if ``x`` lies in the interval of the optimum.

        Args:
            x: value above 0.
        """
        at = np.array([x], dtype=float)
        ratio = self.curve.evaluate(at)[0, 0] / self.curve.lowest[0]
        interval = Interval.from_draws(float(ratio), [self.draws.evaluate(at)[:, 0] / self.draws.lowest])
        if not self.x_opt.low <= x <= self.x_opt.high:
            return interval
        return Interval(estimate=interval.estimate, low=1.0, high=interval.high)

    def to_dict(self) -> dict[str, Any]:
        """Return the optimum as JSON values."""
        points, curve = self.points, self.curve
        return {
            "label": self.label,
            "x": points.x_name,
            "y": points.y_name,
            "x_opt": asdict(self.x_opt),
            "lowest": asdict(self.lowest),
            "curve": {
                "x_opt": exp(curve.log_x_opt[0]),
                "lowest": float(curve.lowest[0]),
                "floor": float(curve.floor[0]),
                "fall": float(curve.fall[0]),
                "rise": float(curve.rise[0]),
            },
            "estimand": self.estimand,
            "status": self.status.value,
            "reason": self.reason,
            "notes": list(self.notes),
            "dispersion": self.dispersion.to_dict(),
            "points": {
                "x": points.widths.tolist(),
                "runs": points.counts.tolist(),
                "mean": points.means.tolist(),
            },
        }


def find_optimum(
    points: Points, *, label: str = "all", notes: tuple[str, ...] = (), resamplings: int = RESAMPLINGS
) -> Optimum:
    """Find the x at which the mean error of a curve is smallest.

    Args:
        points: runs of the curve.
        label: name of the curve.
        notes: sentences about the points.
        resamplings: number of resampled studies.

    Raises:
        FitError: fewer than five values of x, no error at all, or no replicates and no residual degrees of
            freedom.
    """
    x, means = points.widths, points.means
    if len(x) < N_PARAMETERS:
        raise FitError(
            f"{label}: an optimum needs at least {N_PARAMETERS} values of {points.x_name}, not {len(x)}; "
            "add values"
        )
    if not means.any():
        raise FitError(f"{label}: every run has a {points.y_name} of 0, so none is the smallest")
    curve, weights = _fit_reweighted(points)
    fitted = curve.evaluate(x)[0]
    dispersion = law_dispersion(points, fitted, N_PARAMETERS)
    if dispersion is None:
        raise FitError(
            f"{label}: {N_PARAMETERS} values of {points.x_name} without replicates have no interval; "
            f"add {'seeds or values' if points.has_seeds else 'values'}"
        )
    resampled = resample_means(points, fitted, dispersion=dispersion, draws=resamplings, seed=0)
    draws = fit_two_powers(x, resampled, weights, near=curve)
    low, high = _invert_test(points, curve, weights, dispersion)
    corrected = 2 * curve.log_x_opt[0] - np.median(draws.log_x_opt)
    estimate = float(np.clip(corrected, max(low, np.log(x[0])), min(high, np.log(x[-1]))))
    x_opt = Interval(estimate=exp(estimate), low=exp(low), high=exp(high) if high < inf else inf)
    assessment = _assess(points, curve, weights, x_opt=x_opt)
    on_test_set = ", on this test set" if points.y_name == "test_error" else ""
    return Optimum(
        label=label,
        points=points,
        x_opt=x_opt,
        curve=curve,
        draws=draws,
        dispersion=dispersion,
        estimand=f"smallest mean {points.y_name} over seeds{on_test_set}",
        status=assessment.status,
        reason=assessment.reason,
        notes=(*notes, *_describe(points, dispersion)),
    )


def _describe(points: Points, dispersion: Dispersion) -> list[str]:
    """Return notes on the scatter of the points and the source of the intervals."""
    scatter = describe_points(points, x="value") if points.means.all() else []
    return [*scatter, *describe_dispersion("The fitted curve", dispersion)]


def _fit_reweighted(points: Points) -> tuple[TwoPowers, Float[np.ndarray, " widths"]]:
    """Return the curve, and the inverse variances of the means that it implies, at dispersion 1."""
    # A mean of 0 has no variance of its own.
    level = np.maximum(points.means, points.means.mean() / 10)
    weights = points.weights / points.variance_model.variance(level)
    curve = fit_two_powers(points.widths, points.means[None], weights)
    for _ in range(_REWEIGHTINGS):
        weights = points.weights / points.variance_model.variance(curve.evaluate(points.widths)[0])
        curve = fit_two_powers(points.widths, points.means[None], weights, near=curve)
    return curve, weights


def _invert_test(
    points: Points, curve: TwoPowers, weights: Float[np.ndarray, " widths"], dispersion: Dispersion
) -> tuple[float, float]:
    """Return the limits of log x between which minima are not rejected; infinite where there is none."""
    x, means, estimate = points.widths, points.means, float(curve.log_x_opt[0])
    first, last = np.log(x[[0, -1]])
    smallest = float((curve.evaluate(x)[0] - means) ** 2 @ weights)
    largest = smallest + dispersion.value * float(fdtri(1, dispersion.dof, CONFIDENCE_LEVEL))
    low, high = first, last
    for _ in range(2):
        positions = np.sort(np.append(np.linspace(low, high, _PROFILE_POSITIONS), estimate))
        loss = profile_minimum(x, means, weights, positions=positions)
        accepted = np.flatnonzero((loss <= largest) | (positions == estimate))
        low, high = positions[max(accepted[0] - 1, 0)], positions[min(accepted[-1] + 1, len(positions) - 1)]
    at_first, at_last = positions[accepted[0]] <= first, positions[accepted[-1]] >= last
    return -inf if at_first else float(low), inf if at_last else float(high)


def _assess(
    points: Points, curve: TwoPowers, weights: Float[np.ndarray, " widths"], *, x_opt: Interval
) -> Assessment:
    x, name = points.widths, points.x_name
    position = (curve.log_x_opt[0] - np.log(x[0])) / np.log(x[-1] / x[0])
    if x_opt.low == 0 and x_opt.high == inf:
        return Assessment.rejected(
            f"the curvature is not shown: minima at the smallest and at the largest value of {name} fit as "
            "well; add seeds or values"
        )
    if position < _EDGE_TOLERANCE:
        return Assessment.rejected(
            f"the optimum is at the edge, the smallest value of {name} ({x[0]:.3g}); add smaller values"
        )
    if position > 1 - _EDGE_TOLERANCE:
        return Assessment.rejected(
            f"the optimum is at the edge, the largest value of {name} ({x[-1]:.3g}); add larger values"
        )
    reasons = []
    if x_opt.low == 0:
        reasons.append(f"a minimum at the smallest value of {name}, {x[0]:.3g}, is not rejected")
    if x_opt.high == inf:
        reasons.append(f"a minimum at the largest value of {name}, {x[-1]:.3g}, is not rejected")
    if len(x) < _MIN_VALUES:
        reasons.append(f"fewer than {_MIN_VALUES} values of {name}")
    if points.counts.min() < MIN_SEEDS and points.known_std is None:
        reasons.append(f"fewer than {MIN_SEEDS} runs at a value")
    if _shares_one_order(points):
        reasons.append("all runs share one order of minibatches, and others may have another optimum")
    reasons += _edge_reasons(points, curve, weights, x_opt)
    if len(x) > N_PARAMETERS:
        reasons += misfit_reasons(
            points, curve.evaluate(x)[0], n_parameters=N_PARAMETERS, name="curve", x="value"
        )
    return Assessment.from_reasons(reasons)


def _shares_one_order(points: Points) -> bool:
    return points.order is not None and len(points.y) > len(points.widths) and len(set(points.order)) == 1


def _edge_reasons(
    points: Points, curve: TwoPowers, weights: Float[np.ndarray, " widths"], x_opt: Interval
) -> list[str]:
    """Return a reason for each outermost value without which the optimum leaves its interval."""
    x = points.widths
    if len(x) == N_PARAMETERS:
        return []
    reasons = []
    for word, left_out, kept in (("smallest", x[0], slice(1, None)), ("largest", x[-1], slice(-1))):
        refitted = fit_two_powers(x[kept], points.means[None, kept], weights[kept])
        without = exp(refitted.log_x_opt[0])
        if not x_opt.low <= without <= x_opt.high:
            reasons.append(
                f"leaving out the {word} {points.x_name} ({left_out:.3g}) moves the optimum to "
                f"{without:.3g}, outside its interval"
            )
    return reasons
