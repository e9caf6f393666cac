"""Fits of a power law with or without a floor, many at once, by variable projection.

For a given exponent, the form is linear in the amplitude A and the floor E >= 0. With fixed variances, the
minimum of ``sum of weight (mean - curve)^2 / variance(curve)`` over A and E has a closed form, so that only
the exponent is searched: first on a grid, to start near the global minimum, then by Gauss-Newton steps, each
of which takes the variances from the curve that the last step predicts. After the last step, all components
of the quasi-score are zero: the quasi-likelihood is maximal.

Axes: rows (one fit each), widths, and G, the grid of exponents.
"""

from __future__ import annotations

from typing import NamedTuple

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
"""Largest number of steps. Rows near a law need five to ten."""
_MAX_LOG_POWER = 300.0
"""Largest logarithm of a power of x, so that its square times a precision does not overflow. It limits the
exponent if the sizes span more than 32 decades."""
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
    exponents = _EXPONENT_GRID[np.abs(_EXPONENT_GRID) <= _max_exponent(log_x)]
    basis = np.exp(-np.outer(log_x, exponents))
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
    return exponents[best], curve


def _max_exponent(log_x: np.ndarray) -> float:
    """Return the largest exponent whose powers of these sizes are far from an overflow."""
    return float(min(MAX_EXPONENT, _MAX_LOG_POWER / np.abs(log_x).max(initial=1.0)))


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
) -> Float[np.ndarray, "3 rows"]:
    """Take Gauss-Newton steps in the exponent, each with new A, E and variances; converged rows rest.

    Returns:
        Amplitudes, exponents and floors.
    """
    # Rows are the last axis, so that sums over widths add whole vectors.
    y, w, curve = (np.ascontiguousarray(table.T) for table in (means, weights, curve))
    refined: np.ndarray = np.empty((3, len(means)))
    rows: np.ndarray = np.arange(len(means))
    limit, last_step = np.full(len(means), 0.1), np.ones(len(means))
    log_x_powers = np.stack([np.ones_like(log_x), -log_x, log_x**2])
    max_exponent = _max_exponent(log_x)
    basis = np.exp(np.multiply.outer(-log_x, exponent))
    for _ in range(_MAX_ITERATIONS):
        A, E, step, t_on_b, t_on_1 = _propose_step(
            form, basis, y, w / variance_model.variance(curve), log_x_powers
        )
        before, size = np.abs(last_step), np.abs(step)
        # A reversal is limited to half of the last step, to prevent oscillation; the limit then grows by half
        # in each step.
        oscillates = (step * last_step < 0) & (size > before / 2) & (before > _TOLERANCE)
        limit = np.where(oscillates, before / 2, 1.5 * limit)
        target = exponent + np.minimum(np.maximum(step, -limit), limit)
        target = np.minimum(np.maximum(target, -max_exponent), max_exponent)  # faster than np.clip
        # A step across 0 stops at 0: beyond it, a row that has not converged may have no fit except A = 0.
        target[target * exponent < 0] = 0
        last_step = target - exponent
        remaining = np.where(last_step == 0, 0, size)  # 0 at the end of the search range
        exponent = target
        refined[:, rows] = A, exponent, E
        # Both steps have to be small, because A and E belong to the exponent before the last step.
        goes_on = np.maximum(remaining, before) > _TOLERANCE
        n_remaining = np.count_nonzero(goes_on)
        if not n_remaining:
            break
        if n_remaining < len(rows):
            rows, exponent, limit, last_step, A, E, t_on_b, t_on_1 = (
                values[goes_on] for values in (rows, exponent, limit, last_step, A, E, t_on_b, t_on_1)
            )
            y, w = y[:, goes_on], w[:, goes_on]
        # The variances come from the curve at the new exponent, with A and E moved along to first order. With
        # those of the old curve, the search would need three times as many steps.
        basis = np.exp(np.multiply.outer(-log_x, exponent))
        curve = A * np.exp(-last_step * t_on_b) * basis + np.maximum(E - A * last_step * t_on_1, 0)
    return refined


class _Step(NamedTuple):
    """A step in the exponent, and the coefficients before it."""

    A: Rows
    E: Rows
    step: Rows
    t_on_b: Rows
    """Coefficient of b in the regression of the derivative t on the columns whose coefficients are free."""
    t_on_1: Rows
    """Constant of that regression."""


def _propose_step(
    form: Form, basis: np.ndarray, y: np.ndarray, precision: np.ndarray, log_x_powers: np.ndarray
) -> _Step:
    """Return a Gauss-Newton step.

    Args:
        form: ``POWER`` or ``FLOOR``.
        basis, y, precision: powers, means and precisions, [widths, rows].
        log_x_powers: 1, -log x and its square, [3, widths].
    """
    # Weighted sums of products of 1, the power b, its derivative t by the exponent, and the means y.
    weighted = precision * basis
    bb, bt, tt = log_x_powers @ (weighted * basis)
    by, ty = log_x_powers[:2] @ (weighted * y)
    if form.has_floor:
        b, t = log_x_powers[:2] @ weighted
        one = precision.sum(axis=0)
        A, E = _solve_linear(form, bb, b, one, by, (precision * y).sum(axis=0))
        free = E > 0
        mean_b, t = free * b / one, free * t
        t_on_b = (bt - mean_b * t) / (bb - mean_b * b)
        t_on_1 = t / one - t_on_b * mean_b
        curvature = A * (tt - t_on_1 * t - t_on_b * bt)
        slope = ty - A * bt - E * t
    else:
        A = by / bb
        E = t_on_1 = np.zeros_like(A)
        t_on_b = bt / bb
        curvature = A * (tt - t_on_b * bt)
        slope = ty - A * bt
    step = np.divide(slope, curvature, out=np.zeros_like(slope), where=curvature > 1e-12 * A * tt)
    return _Step(A, E, step, t_on_b, t_on_1)
