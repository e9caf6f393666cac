"""Compute-optimal frontier of a joint law: the sizes N*(C) and D*(C) with the smallest error at a cost C.

The cost is modelled as c N^a D^b. On the line of one cost, Lagrange's condition is
alpha A N^-alpha / a = beta B D^-beta / b, so log N* and log D* are linear in log C, with the exponents
beta / (a beta + b alpha) and alpha / (a beta + b alpha). The error is convex in the logarithms of both
sizes, so the solution is its only minimum.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from scaling.errors import FitError
from scaling.fit.interval import FloatArray, Interval

MIN_COST_R2 = 0.99
"""R^2 of the cost model below which its frontier is used with caution."""

Draws = Float[np.ndarray, "draws p"]
"""Parameters of joint forms, the first four of which are A, alpha, B and beta."""


@dataclass(frozen=True, kw_only=True)
class CostModel:
    """Cost of a run, c N^a D^b."""

    name: str
    """Column with the cost."""
    factor: float
    """c."""
    exponents: tuple[float, float]
    """a and b."""
    r2: float
    """Share of the variance of log cost that the model explains."""
    largest_error: float
    """Largest deviation of the model from a measured cost, as a ratio minus 1."""
    measured: tuple[float, float]
    """Smallest and largest measured cost."""


@dataclass(frozen=True, kw_only=True)
class OptimalSizes:
    """Optimal sizes at one cost, with the error there."""

    cost: float
    sizes: tuple[Interval, Interval]
    """N* and D*."""
    error: Interval
    extrapolation: float
    """Cost over the largest measured cost: above 1 for an extrapolation."""

    def to_dict(self) -> dict[str, Any]:
        """Return the sizes as JSON values."""
        return {
            "cost": self.cost,
            "n": asdict(self.sizes[0]),
            "d": asdict(self.sizes[1]),
            "error": asdict(self.error),
            "extrapolation": self.extrapolation,
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Frontier:
    """Compute-optimal frontier of one joint law."""

    cost: CostModel
    estimate: FloatArray
    """Estimated parameters of the law: [1, parameters]."""
    draw_sets: tuple[FloatArray, ...]
    """Sets of draws of the parameters, each [draws, parameters]; an interval covers that of each set."""
    reason: str
    """Reasons why the frontier is not usable without caution; empty if it is as usable as its law."""

    @property
    def exponents(self) -> tuple[Interval, Interval]:
        """Exponents of C in N* and in D*."""
        first, second = (self._interval(lambda draws, i=i: _exponents(draws, self.cost)[i]) for i in (0, 1))
        return first, second

    def at(self, cost: float) -> OptimalSizes:
        """Return the optimal sizes at a cost.

        Args:
            cost: value above 0, in the unit of the cost's column.
        """
        n, d = (self._interval(lambda draws, i=i: optimal_sizes(draws, self.cost, cost)[i]) for i in (0, 1))
        return OptimalSizes(
            cost=float(cost),
            sizes=(n, d),
            error=self._interval(lambda draws: _lowest_error(draws, self.cost, cost)),
            extrapolation=float(cost / self.cost.measured[1]),
        )

    def budgets(self) -> list[float]:
        """Return the costs of a table: the smallest, the middle and the largest measured one, and ten times
        as much.
        """
        low, high = self.cost.measured
        return [low, float(np.sqrt(low * high)), high, 10 * high]

    def to_dict(self) -> dict[str, Any]:
        """Return the frontier as JSON values."""
        n, d = self.exponents
        return {
            "cost": asdict(self.cost),
            "exponent_n": asdict(n),
            "exponent_d": asdict(d),
            "sizes": [self.at(budget).to_dict() for budget in self.budgets()],
            "reason": self.reason,
        }

    def _interval(self, quantity: Any) -> Interval:
        return Interval.from_draws(float(quantity(self.estimate)[0]), [quantity(x) for x in self.draw_sets])


def fit_cost(
    name: str, sizes: Float[np.ndarray, "runs 2"], costs: Float[np.ndarray, " runs"], names: tuple[str, str]
) -> CostModel:
    """Fit log cost = log c + a log N + b log D by least squares.

    Args:
        name: column with the cost.
        sizes: both sizes of each run, above 0.
        costs: cost of each run.
        names: names of the sizes.

    Raises:
        FitError: a cost is not above 0, or the cost does not grow with both sizes.
    """
    if not (np.isfinite(costs) & (costs > 0)).all():
        raise FitError(f"{name}: a frontier needs costs above 0; correct or remove other rows")
    log_cost = np.log(costs)
    design = np.column_stack([np.ones(len(sizes)), np.log(sizes)])
    coefficients, _, _, _ = np.linalg.lstsq(design, log_cost)
    residuals = log_cost - design @ coefficients
    exponents = tuple(float(value) for value in coefficients[1:])
    for size, exponent in zip(names, exponents, strict=True):
        if exponent <= 0:
            raise FitError(
                f"{name} does not grow with {size} (its exponent is {exponent:.3g}), so no {size} is optimal"
                " at a cost; name another cost"
            )
    total = float(((log_cost - log_cost.mean()) ** 2).sum())
    return CostModel(
        name=name,
        factor=float(np.exp(coefficients[0])),
        exponents=(exponents[0], exponents[1]),
        r2=1 - float(residuals @ residuals) / total,
        largest_error=float(np.expm1(np.abs(residuals).max())),
        measured=(float(costs.min()), float(costs.max())),
    )


def optimal_sizes(
    draws: Draws, cost: CostModel, budget: float
) -> tuple[Float[np.ndarray, " draws"], Float[np.ndarray, " draws"]]:
    """Return N* and D* of each draw at a cost.

    A size from which the error does not fall is 0, and the other one is infinite.

    Args:
        draws: parameters of joint forms.
        cost: model of the cost.
        budget: the cost.
    """
    amplitude_n, alpha, amplitude_d, beta = draws[:, :4].T
    a, b = cost.exponents
    n_helps, d_helps = (alpha > 0) & (amplitude_n > 0), (beta > 0) & (amplitude_d > 0)
    both = n_helps & d_helps
    terms = (np.where(both, values, 1.0) for values in (amplitude_n, alpha, amplitude_d, beta))
    amplitude_n, alpha, amplitude_d, beta = terms
    gap = np.log(beta * amplitude_d / b) - np.log(alpha * amplitude_n / a)
    log_n = (beta * np.log(budget / cost.factor) - b * gap) / (a * beta + b * alpha)
    log_d = (gap + alpha * log_n) / beta
    with np.errstate(over="ignore"):
        n, d = np.exp(log_n), np.exp(log_d)
    return (
        np.where(both, n, np.where(n_helps, np.inf, 0.0)),
        np.where(both, d, np.where(n_helps, 0.0, np.inf)),
    )


def _exponents(draws: Draws, cost: CostModel) -> tuple[Float[np.ndarray, " draws"], ...]:
    a, b = cost.exponents
    alpha, beta = np.maximum(draws[:, 1], 0), np.maximum(draws[:, 3], 0)
    total = a * beta + b * alpha
    return tuple(
        np.divide(numerator, total, out=np.zeros_like(total), where=total > 0) for numerator in (beta, alpha)
    )


def _lowest_error(draws: Draws, cost: CostModel, budget: float) -> Float[np.ndarray, " draws"]:
    n, d = optimal_sizes(draws, cost, budget)
    floor = draws[:, 4] if draws.shape[1] > 4 else 0.0
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(floor + draws[:, 0] * n ** -draws[:, 1] + draws[:, 2] * d ** -draws[:, 3])
