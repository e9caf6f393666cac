"""Optimum of a curve: the x with the smallest mean error, by a parabola through log error against log x.

The means over seeds are fitted by weighted least squares, with the variance of the points' variance model and
the dispersion of ``scaling.fit.data.dispersion``. With u = log x, the minimum of b u + c u^2 is at -b / 2c, a
ratio of normal estimates. Its interval is Fieller's (1954): every u at which the slope b + 2 c u does not
differ from 0 by the quantile of Student's t. The interval has two limits only if the curvature c itself
differs from 0.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import exp, inf, sqrt
from typing import Any

import numpy as np
from jaxtyping import Float

from scaling.errors import FitError
from scaling.fit.data.dispersion import law_dispersion
from scaling.fit.data.points import Points
from scaling.fit.data.variance import Dispersion
from scaling.fit.diagnosis.status import MIN_SEEDS, Assessment, misfit_reasons
from scaling.fit.interval import CONFIDENCE_LEVEL, Interval, student_quantile
from scaling.fit.result import Sizes, Status

_N_PARAMETERS = 3
_MIN_VALUES = 5
"""Number of values of x below which an optimum is used with caution."""
_DRAWS = 4000
"""Number of draws of the parabola."""
_GRID_SIZE = 400
"""Number of sizes on which the minimum of a drawn parabola is searched."""
_MAX_LOG_X = 300
"""Largest absolute value of log x whose exponential can be computed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Optimum:
    """Optimum of one curve, and the parabola from which it follows."""

    label: str
    """Name of the curve."""
    points: Points
    """Runs of the curve."""
    x_opt: Interval
    """x with the smallest error, with its 95 % interval; its limits are 0 and infinite if it is unbounded."""
    curvature: Interval
    """Curvature c: coefficient of (log x)^2 in the logarithm of the error."""
    coefficients: Float[np.ndarray, " p"]
    """Coefficients of 1, u and u^2, where u is log x minus ``center``."""
    covariance: Float[np.ndarray, "p p"]
    """Covariance of the coefficients."""
    center: float
    """Weighted mean of log x."""
    dispersion: Dispersion
    """Dispersion of the means, on which the intervals rest."""
    estimand: str
    """What the curve describes."""
    status: Status
    reason: str
    """Reasons why the optimum is not usable without caution; empty if it is."""
    notes: tuple[str, ...]
    """Sentences about what was left out or is unusual."""

    def predict(self, x: Sizes) -> Float[np.ndarray, " *x"]:
        """Return the fitted mean error at ``x``."""
        return np.asarray(np.exp(_design_matrix(x, self.center) @ self.coefficients))

    def band(self, x: Sizes) -> tuple[Float[np.ndarray, " *x"], Float[np.ndarray, " *x"]]:
        """Return the pointwise 95 % band of the mean error at ``x``: the lower and the upper curve."""
        design = _design_matrix(x, self.center)
        log_std = np.sqrt(np.einsum("...i,ij,...j->...", design, self.covariance, design))
        half_width = student_quantile(self.dispersion.dof) * log_std
        return np.asarray(self.predict(x) * np.exp(-half_width)), np.asarray(
            self.predict(x) * np.exp(half_width)
        )

    def relative_to_minimum(self, x: float, *, seed: int = 0) -> Interval:
        """Return the error at ``x`` over the smallest error, with its 95 % interval.

        The smallest error is that within the measured range. The lower limit is 1 if ``x`` lies in the
        interval of the optimum.

        Args:
            x: value above 0.
            seed: seed of the draws of the parabola.
        """
        ratio = self._ratio_to_minimum(self.coefficients, x)
        tail = (1 - CONFIDENCE_LEVEL) / 2
        low, high = np.quantile(
            self._ratio_to_minimum(self._draw_coefficients(seed), x), [tail, (1 + CONFIDENCE_LEVEL) / 2]
        )
        if self.x_opt.low <= x <= self.x_opt.high:
            low = 1.0
        return Interval.around(float(ratio), low=float(low), high=float(high))

    def _draw_coefficients(self, seed: int) -> Float[np.ndarray, "draws p"]:
        """Draw coefficients from the multivariate t distribution about the estimate."""
        rng, dof = np.random.default_rng(seed), self.dispersion.dof
        normal = rng.multivariate_normal(np.zeros(_N_PARAMETERS), self.covariance, _DRAWS, method="eigh")
        return np.asarray(self.coefficients + normal / np.sqrt(rng.chisquare(dof, _DRAWS) / dof)[:, None])

    def _ratio_to_minimum(
        self, coefficients: Float[np.ndarray, "*draws p"], x: float
    ) -> Float[np.ndarray, " *draws"]:
        grid = np.geomspace(self.points.widths[0], self.points.widths[-1], _GRID_SIZE)
        log_errors = coefficients @ _design_matrix([*grid, x], self.center).T
        return np.asarray(np.exp(log_errors[..., -1] - log_errors.min(axis=-1)))

    def to_dict(self) -> dict[str, Any]:
        """Return the optimum as JSON values."""
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
            "dispersion": self.dispersion.to_dict(),
            "points": {
                "x": points.widths.tolist(),
                "runs": points.counts.tolist(),
                "mean": points.means.tolist(),
            },
        }


def find_optimum(points: Points, *, label: str = "all", notes: tuple[str, ...] = ()) -> Optimum:
    """Find the x at which the mean error of a curve is smallest.

    Args:
        points: runs of the curve.
        label: name of the curve.
        notes: sentences about the points.

    Raises:
        FitError: fewer than three values of x, a mean of 0, or no replicates and no residual degrees of
            freedom.
    """
    _check_points(points, label)
    x, means = points.widths, points.means
    weights = points.weights * means**2 / points.variance_model.variance(means)
    center = float(np.average(np.log(x), weights=weights))
    design = _design_matrix(x, center)
    unscaled_covariance = np.linalg.inv(design.T @ (weights[:, None] * design))
    coefficients = unscaled_covariance @ design.T @ (weights * np.log(means))
    curve = np.exp(design @ coefficients)
    dispersion = law_dispersion(points, curve, _N_PARAMETERS)
    if dispersion is None:
        raise FitError(
            f"{label}: three values of {points.x_name} without replicates have no interval; "
            f"add {'seeds or values' if points.has_seeds else 'values'}"
        )
    covariance = dispersion.value * unscaled_covariance
    t = float(student_quantile(dispersion.dof))
    half_width = t * sqrt(covariance[2, 2])
    c = float(coefficients[2])
    curvature = Interval(estimate=c, low=float(c - half_width), high=float(c + half_width))
    x_opt = _fieller_interval(coefficients, covariance, t=t, center=center)
    assessment = _assess(points, curve, x_opt=x_opt, curvature=curvature)
    on_test_set = ", on this test set" if points.y_name == "test_error" else ""
    return Optimum(
        label=label,
        points=points,
        x_opt=x_opt,
        curvature=curvature,
        coefficients=coefficients,
        covariance=covariance,
        center=center,
        dispersion=dispersion,
        estimand=f"smallest mean {points.y_name} over seeds{on_test_set}",
        status=assessment.status,
        reason=assessment.reason,
        notes=notes,
    )


def _check_points(points: Points, label: str) -> None:
    x, means = points.widths, points.means
    if len(x) < _N_PARAMETERS:
        raise FitError(
            f"{label}: an optimum needs at least {_N_PARAMETERS} values of {points.x_name}, not {len(x)}; "
            "add values"
        )
    if not means.all():
        raise FitError(
            f"{label}: no run made an error at {points.x_name} {x[means == 0][0]:g}, and zero has no "
            "logarithm; leave this value out"
        )


def _design_matrix(x: Sizes, center: float) -> Float[np.ndarray, "*x 3"]:
    """Return the columns 1, u and u^2, where u is log x minus the center."""
    u = np.log(np.asarray(x, dtype=float)) - center
    return np.stack([np.ones_like(u), u, u**2], axis=-1)


def _fieller_interval(
    coefficients: Float[np.ndarray, " p"], covariance: Float[np.ndarray, "p p"], *, t: float, center: float
) -> Interval:
    """Return the x at the minimum of the parabola, with Fieller's interval.

    Args:
        coefficients: coefficients of 1, u and u^2.
        covariance: covariance of the coefficients.
        t: quantile of Student's t.
        center: log x at u = 0.
    """
    _, b, c = coefficients
    estimate = _exp(center - b / (2 * c)) if c else inf
    if c - t * sqrt(covariance[2, 2]) <= 0:
        return Interval(estimate=estimate, low=0.0, high=inf)
    # The limits solve (b + 2 c u)^2 = t^2 variance(b + 2 c u), a quadratic equation in u.
    quadratic = [
        4 * (c**2 - t**2 * covariance[2, 2]),
        4 * (b * c - t**2 * covariance[1, 2]),
        b**2 - t**2 * covariance[1, 1],
    ]
    low, high = (_exp(center + u) for u in sorted(np.roots(quadratic).real))
    return Interval.around(estimate, low=low, high=high)


def _exp(log_x: float) -> float:
    return exp(np.clip(log_x, -_MAX_LOG_X, _MAX_LOG_X))


def _assess(
    points: Points, curve: Float[np.ndarray, " x"], *, x_opt: Interval, curvature: Interval
) -> Assessment:
    x = points.widths
    if len(x) == _N_PARAMETERS:
        return Assessment.rejected(
            f"{len(x)} values of {points.x_name} for {_N_PARAMETERS} parameters: any data would fit"
        )
    if curvature.low <= 0:
        return Assessment.rejected(
            "the curvature is not clearly positive: "
            f"{curvature.estimate:.2g} [{curvature.low:.2g}, {curvature.high:.2g}]"
        )
    if not x[0] < x_opt.estimate < x[-1]:
        return Assessment.rejected(
            f"the optimum lies outside the values of {points.x_name}, {x[0]:.3g} to {x[-1]:.3g}; "
            "add values on that side"
        )
    reasons = []
    if len(x) < _MIN_VALUES:
        reasons.append(f"fewer than {_MIN_VALUES} values of {points.x_name}")
    if points.counts.min() < MIN_SEEDS and points.known_std is None:
        reasons.append(f"fewer than {MIN_SEEDS} runs at a value")
    if x_opt.low < x[0] or x_opt.high > x[-1]:
        reasons.append(f"the interval reaches beyond the values of {points.x_name}")
    misfit = misfit_reasons(points, curve, n_parameters=_N_PARAMETERS, name="parabola", x="value")
    return Assessment.from_reasons([*reasons, *misfit])
