"""Many fits at once of a power law or one above a floor: the maximum of the quasi-likelihood, by variable projection.

With the exponent given, a form is linear in the rest: with the variances held, the least of ``sum of n (mean - curve)^2 / variance(curve)``
over A and E >= 0 has a closed form. So only the exponent is searched: on a grid, which finds the right valley, then by Gauss-Newton steps,
each of which takes the variances from its own curve. Where the steps end, the quasi-score vanishes in all parameters.

Axes: rows (one fit each), widths, and G, the grid of exponents.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from scaling.errors import FitError
from scaling.fit.data.variance import VarianceModel
from scaling.fit.forms import Form

MAX_EXPONENT = 8.0
"""Exponents are searched from minus to plus this; measured ones are below 2."""
GRID = np.sinh(np.linspace(-1, 1, 61) * np.arcsinh(MAX_EXPONENT / 0.05)) * 0.05
"""Even around 0, and a factor of 1.2 from one to the next above 0.1."""
GRID = GRID[np.argsort(np.abs(GRID), kind="stable")]  # the flattest first
SCANS = 4
STEPS = 200
"""The most. Close to a law about ten are needed; what still moves after all of them is scatter without a law."""
CONVERGED = 1e-10
"""Of a step in the exponent, which is of order 1."""

Rows = Float[np.ndarray, " rows"]
Table = Float[np.ndarray, "rows widths"]


def fit_by_variable_projection(
    form: Form,
    x: Float[np.ndarray, " widths"],
    means: Table,
    counts: Table,
    variance_model: VarianceModel,
    *,
    near: Float[np.ndarray, " widths"] | None = None,
) -> Float[np.ndarray, "rows parameters"]:
    """Fit a form to each row of means.

    Args:
        form: what is fitted.
        x: the widths.
        means: over runs, at each width; at least 0.
        counts: runs behind each mean, or other weights; 0 leaves the width out of this row.
        noise: the variance of one run.
        near: a curve that all rows are near to. It spares scans; by default each row finds its own.

    Raises:
        FitError: a row has fewer widths than the form has parameters, or no mean above 0.
    """
    fewest = (counts > 0).sum(axis=1).min()
    if fewest < len(form.parameters):
        raise FitError(
            f"{form.formula} needs at least {len(form.parameters)} widths, not {fewest}; add widths"
        )
    if not ((counts > 0) & (means > 0)).any(axis=1).all():
        raise FitError("no value is above 0, so there is nothing to fit; test on more images")
    place = np.log(x)
    centre = place.mean()
    exponent, curve = _scan(form, place - centre, means, counts, variance_model, near)
    amplitude, exponent, floor = _refine(form, place - centre, means, counts, variance_model, exponent, curve)
    return np.stack([amplitude * np.exp(exponent * centre), exponent, floor][: len(form.parameters)], axis=1)


def _scan(
    form: Form,
    place: np.ndarray,
    means: Table,
    counts: Table,
    variance_model: VarianceModel,
    near: np.ndarray | None,
) -> tuple[Rows, Table]:
    """The best exponent of the grid, and its curve. The variances are those of ``near``, or first equal and then the last scan's."""
    basis = np.exp(-np.outer(place, GRID))
    curve = np.broadcast_to(1.0 if near is None else near, means.shape)
    for _ in range(SCANS if near is None else 1):
        weights = counts / variance_model.variance(curve)
        one, y = weights.sum(axis=1, keepdims=True), (weights * means).sum(axis=1, keepdims=True)
        by = (weights * means) @ basis
        amplitude, floor = _linear(form, weights @ basis**2, weights @ basis, one, by, y)
        explained = amplitude * by + floor * y
        # The flattest of those that tie, up to rounding: so constants have exponent 0.
        row, best = (
            np.arange(len(means)),
            (explained >= explained.max(axis=1, keepdims=True) * (1 - 1e-13)).argmax(axis=1),
        )
        curve = amplitude[row, best, None] * basis[:, best].T + floor[row, best, None]
    return GRID[best], curve


def _linear(
    form: Form, bb: np.ndarray, b: np.ndarray, one: np.ndarray, by: np.ndarray, y: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A and E, neither below 0, from the weighted sums of products of the power b, the constant 1 and the means y."""
    plain = by / bb
    if not form.has_floor:
        return plain, np.zeros_like(plain)
    apart = bb - b**2 / one
    told = apart > 1e-12 * bb  # at exponent 0 the power is a constant too
    amplitude = np.divide(by - b * y / one, apart, out=plain.copy(), where=told)
    floor = np.where(told, (y - np.maximum(amplitude, 0) * b) / one, 0)
    return np.where(floor > 0, np.maximum(amplitude, 0), plain), np.maximum(floor, 0)


def _refine(
    form: Form,
    place: np.ndarray,
    means: Table,
    counts: Table,
    variance_model: VarianceModel,
    exponent: Rows,
    curve: Table,
) -> tuple[Rows, Rows, Rows]:
    """Gauss-Newton steps in the exponent, and after each one A, E and the variances anew; rows rest when they have converged."""
    exponent, amplitude, floor = exponent.copy(), np.zeros(len(means)), np.zeros(len(means))
    limit, last, rows = np.full(len(means), 0.1), np.ones(len(means)), np.arange(len(means))
    for _ in range(STEPS):
        mean, count = means[rows], counts[rows]
        basis = np.exp(-exponent[rows, None] * place)
        columns = np.stack([np.ones_like(basis), basis, -place * basis, mean])
        sums = np.einsum("irw,jrw->ijr", columns * (count / variance_model.variance(curve[rows])), columns)
        (one, b, t, y), (_, bb, bt, by), (_, _, tt, ty), _ = sums
        amplitude[rows], floor[rows] = A, E = _linear(form, bb, b, one, by, y)
        curve[rows] = A[:, None] * basis + E[:, None]
        free = E > 0
        apart = bb - free * b**2 / one
        curvature = A * (tt - free * t**2 / one - (bt - free * b * t / one) ** 2 / apart)
        slope = ty - A * bt - E * t
        step = np.divide(slope, curvature, out=np.zeros_like(slope), where=curvature > 1e-12 * A * tt)
        before = np.abs(last[rows])
        # A step back of more than half the last one is cut to that, or it might swing for ever; the limit is slow to recover.
        swings = (step * last[rows] < 0) & (np.abs(step) > before / 2) & (before > CONVERGED)
        limit[rows] = np.where(swings, before / 2, 1.5 * limit[rows])
        target = (exponent[rows] + step.clip(-limit[rows], limit[rows])).clip(-MAX_EXPONENT, MAX_EXPONENT)
        target[target * exponent[rows] < 0] = (
            0  # no further: across 0 only A = 0 may be left to a row that is not at rest
        )
        last[rows] = target - exponent[rows]
        wanted = np.where(
            target == exponent[rows], 0, np.abs(step)
        )  # at the end of the search no step is left to take
        exponent[rows] = target
        rows = rows[
            np.maximum(wanted, before) > CONVERGED
        ]  # twice, because the variances follow one step behind
        if not rows.size:
            break
    return amplitude, exponent, floor
