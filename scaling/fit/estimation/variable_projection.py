"""Fits of a power law with or without a floor, many at once, by variable projection.

For a given exponent, the form is linear in the amplitude A and the floor E >= 0. With fixed variances, the
minimum of ``sum of weight (mean - curve)^2 / variance(curve)`` over A and E has a closed form, so that only
the exponent is searched: first on a grid, to start near the global minimum, then by Gauss-Newton steps, each
of which takes the variances from its own curve. After the last step, all components of the quasi-score are
zero: the quasi-likelihood is maximal.

Axes: rows (one fit each), widths, and G, the grid of exponents.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from scaling.errors import FitError
from scaling.fit.data.variance import VarianceModel
from scaling.fit.forms import MAX_EXPONENT, Form

_EXPONENT_GRID = np.sinh(np.linspace(-1, 1, 61) * np.arcsinh(MAX_EXPONENT / 0.05)) * 0.05
"""Exponents of the grid: evenly spaced around 0, and by a factor of 1.2 above 0.1."""
_EXPONENT_GRID = _EXPONENT_GRID[np.argsort(np.abs(_EXPONENT_GRID), kind="stable")]  # the flattest first
_SCANS = 4
"""Number of scans of the grid, each with the variances of the last scan's curve."""
_MAX_ITERATIONS = 200
"""Largest number of steps. Rows near a law need about ten."""
_TOLERANCE = 1e-10
"""Step in the exponent, which is of order 1, below which a row has converged."""

Rows = Float[np.ndarray, " rows"]
Table = Float[np.ndarray, "rows widths"]


def fit_by_variable_projection(
    form: Form,
    x: Float[np.ndarray, " widths"],
    means: Table,
    weights: Table,
    variance_model: VarianceModel,
    *,
    near: Float[np.ndarray, " widths"] | None = None,
) -> Float[np.ndarray, "rows parameters"]:
    """Fit a power law, or a power law with a floor, to each row of means.

    Args:
        form: ``POWER`` or ``FLOOR``.
        x: the widths.
        means: mean over the runs at each width, at least 0.
        weights: number of runs behind each mean, or other weights; 0 excludes the width from this row.
        variance_model: variance of one run.
        near: a curve close to all rows, which saves scans; by default each row finds its own.

    Raises:
        FitError: a row has fewer widths than the form has parameters, or no mean above 0.
    """
    fewest = (weights > 0).sum(axis=1).min()
    if fewest < len(form.parameters):
        raise FitError(
            f"{form.formula} needs at least {len(form.parameters)} widths, not {fewest}; add widths"
        )
    if not ((weights > 0) & (means > 0)).any(axis=1).all():
        raise FitError("no value is above 0, so there is nothing to fit; test on more images")
    log_x = np.log(x)
    centre = log_x.mean()
    exponent, curve = _scan_exponents(form, log_x - centre, means, weights, variance_model, near)
    amplitude, exponent, floor = _refine(
        form, log_x - centre, means, weights, variance_model, exponent, curve
    )
    return np.stack([amplitude * np.exp(exponent * centre), exponent, floor][: len(form.parameters)], axis=1)


def _scan_exponents(
    form: Form,
    log_x: np.ndarray,
    means: Table,
    weights: Table,
    variance_model: VarianceModel,
    near: np.ndarray | None,
) -> tuple[Rows, Table]:
    """Return the best exponent of the grid and its curve.

    The variances are those of ``near``; without it, they are equal at first, and then those of the last
    scan's curve.
    """
    basis = np.exp(-np.outer(log_x, _EXPONENT_GRID))
    curve = np.broadcast_to(1.0 if near is None else near, means.shape)
    for _ in range(_SCANS if near is None else 1):
        precision = weights / variance_model.variance(curve)
        one, y = precision.sum(axis=1, keepdims=True), (precision * means).sum(axis=1, keepdims=True)
        by = (precision * means) @ basis
        amplitude, floor = _solve_linear(form, precision @ basis**2, precision @ basis, one, by, y)
        explained = amplitude * by + floor * y
        # The flattest of those that tie up to rounding, so that a constant has exponent 0.
        ties = explained >= explained.max(axis=1, keepdims=True) * (1 - 1e-13)
        row, best = np.arange(len(means)), ties.argmax(axis=1)
        curve = amplitude[row, best, None] * basis[:, best].T + floor[row, best, None]
    return _EXPONENT_GRID[best], curve


def _solve_linear(
    form: Form, bb: np.ndarray, b: np.ndarray, one: np.ndarray, by: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return A and E, neither below 0.

    Args:
        form: ``POWER`` or ``FLOOR``.
        bb, b, one, by, y: weighted sums of products of the power b, the constant 1 and the means y.
    """
    without_floor = by / bb
    if not form.has_floor:
        return without_floor, np.zeros_like(without_floor)
    determinant = bb - b**2 / one
    regular = determinant > 1e-12 * bb  # at exponent 0 the power is a constant too
    amplitude = np.divide(by - b * y / one, determinant, out=without_floor.copy(), where=regular)
    floor = np.where(regular, (y - np.maximum(amplitude, 0) * b) / one, 0)
    return np.where(floor > 0, np.maximum(amplitude, 0), without_floor), np.maximum(floor, 0)


def _refine(
    form: Form,
    log_x: np.ndarray,
    means: Table,
    weights: Table,
    variance_model: VarianceModel,
    exponent: Rows,
    curve: Table,
) -> tuple[Rows, Rows, Rows]:
    """Take Gauss-Newton steps in the exponent, each followed by new A, E and variances; converged rows
    rest.
    """
    exponent, amplitude, floor = exponent.copy(), np.zeros(len(means)), np.zeros(len(means))
    limit, last_step, rows = np.full(len(means), 0.1), np.ones(len(means)), np.arange(len(means))
    for _ in range(_MAX_ITERATIONS):
        basis = np.exp(-exponent[rows, None] * log_x)
        columns = np.stack([np.ones_like(basis), basis, -log_x * basis, means[rows]])
        precision = weights[rows] / variance_model.variance(curve[rows])
        # Weighted sums of products of 1, the power b, its derivative t by the exponent, and the means y.
        (one, b, t, y), (_, bb, bt, by), (_, _, tt, ty), _ = np.einsum(
            "irw,jrw->ijr", columns * precision, columns
        )
        amplitude[rows], floor[rows] = A, E = _solve_linear(form, bb, b, one, by, y)
        curve[rows] = A[:, None] * basis + E[:, None]
        free = E > 0
        determinant = bb - free * b**2 / one
        curvature = A * (tt - free * t**2 / one - (bt - free * b * t / one) ** 2 / determinant)
        slope = ty - A * bt - E * t
        step = np.divide(slope, curvature, out=np.zeros_like(slope), where=curvature > 1e-12 * A * tt)
        before = np.abs(last_step[rows])
        # A reversal is limited to half of the last step, to prevent oscillation; the limit then grows by half
        # in each step.
        oscillates = (step * last_step[rows] < 0) & (np.abs(step) > before / 2) & (before > _TOLERANCE)
        limit[rows] = np.where(oscillates, before / 2, 1.5 * limit[rows])
        target = (exponent[rows] + step.clip(-limit[rows], limit[rows])).clip(-MAX_EXPONENT, MAX_EXPONENT)
        # A step across 0 stops at 0: beyond it, a row that has not converged may have no fit except A = 0.
        target[target * exponent[rows] < 0] = 0
        last_step[rows] = target - exponent[rows]
        remaining = np.where(target == exponent[rows], 0, np.abs(step))  # 0 at the end of the search range
        exponent[rows] = target
        # Both steps have to be small, because the variances follow one step behind.
        rows = rows[np.maximum(remaining, before) > _TOLERANCE]
        if not rows.size:
            break
    return amplitude, exponent, floor
