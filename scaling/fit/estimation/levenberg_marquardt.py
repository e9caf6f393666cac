"""Fits of nonlinear forms, many at once: Fisher scoring with the damping of Levenberg and Marquardt.

Positive parameters are searched by their logarithm, others within bounds, as the form defines them. A step
that would lower the quasi-likelihood is not taken; the damping grows instead. Each row is fitted from several
starts.

Axes: rows (one fit each), widths, p (parameters).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from scaling.errors import FitError
from scaling.fit.data.variance import VarianceModel
from scaling.fit.estimation.variable_projection import fit_by_variable_projection
from scaling.fit.forms import FLOOR, NonlinearForm, ParametricForm

_MAX_ITERATIONS = 200
_RELATIVE_TOLERANCE = 1e-10
"""Relative gain of quasi-log-likelihood below which the search ends."""
_FIRST_DAMPING, _MAX_DAMPING = 1e-3, 1e6

Table = Float[np.ndarray, "rows widths"]
Parameters = Float[np.ndarray, "rows p"]


class Maximum(NamedTuple):
    """Maxima of the quasi-likelihood, one a row."""

    parameters: Parameters
    quasi_loglik: Float[np.ndarray, " rows"]


def fit_by_levenberg_marquardt(
    form: NonlinearForm,
    x: Float[np.ndarray, " widths"],
    means: Table,
    weights: Table,
    variance_model: VarianceModel,
    *,
    near: Float[np.ndarray, " p"] | None = None,
) -> Parameters:
    """Fit a nonlinear form to each row of means.

    Args:
        form: the form to fit.
        x: the widths.
        means: mean over the runs at each width, at least 0.
        weights: number of runs behind each mean, or other weights; 0 excludes the width from this row.
        variance_model: variance of one run.
        near: parameters from which all rows start; by default each row is fitted from several starts, and the
            best optimum is returned.

    Raises:
        FitError: a row has fewer widths than the form has parameters.
    """
    fewest = (weights > 0).sum(axis=1).min()
    if fewest < len(form.parameters):
        raise FitError(
            f"{form.formula} needs at least {len(form.parameters)} widths, not {fewest}; add widths"
        )
    if near is not None:
        return ascend(
            form, x, means, weights, variance_model, near[None].repeat(len(means), axis=0)
        ).parameters
    floor_fit = fit_by_variable_projection(FLOOR, x, means, weights, variance_model)
    starts = form.starting_points(x, means, weights, floor_fit)
    optimum = ascend(  # all starts of all rows at once
        form,
        x,
        np.tile(means, (len(starts), 1)),
        np.tile(weights, (len(starts), 1)),
        variance_model,
        starts.reshape(-1, starts.shape[2]),
    )
    best = optimum.quasi_loglik.reshape(len(starts), -1).argmax(axis=0)
    fitted: Parameters = optimum.parameters.reshape(starts.shape)[best, np.arange(len(means))]
    return fitted


def ascend(
    form: ParametricForm,
    x: np.ndarray,
    means: Table,
    weights: Table,
    variance_model: VarianceModel,
    start: Parameters,
) -> Maximum:
    """Climb from each start to the nearest maximum of the quasi-likelihood.

    Args:
        form: the form to fit.
        x: the sizes, as the form takes them.
        means: mean over the runs at each size, at least 0.
        weights: number of runs behind each mean, or other weights; 0 excludes the size from this row.
        variance_model: variance of one run.
        start: parameters from which each row starts.
    """
    low, high = form.internal_bounds(means)

    def evaluate(internal: Parameters, rows: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):  # a step may leave the range in which the curve exists
            curve = form.evaluate(form.from_internal(internal)[:, None, :], x)
            value = (weights[rows] * variance_model.quasi_loglik(means[rows], curve)).sum(axis=1)
        return np.where(np.isfinite(value), value, -np.inf)

    rows = np.arange(len(means))
    internal = np.clip(form.to_internal(start), low, high)
    value, damping = evaluate(internal, rows), np.full(len(means), _FIRST_DAMPING)
    for _ in range(_MAX_ITERATIONS):
        parameters = form.from_internal(internal[rows])[:, None, :]
        curve = form.evaluate(parameters, x)
        jacobian = form.internal_jacobian(parameters, x)
        precision = weights[rows] / variance_model.variance(curve)
        score = np.einsum("rw,rwp->rp", precision * (means[rows] - curve), jacobian)
        # A parameter that is pressed against its bound is held there.
        is_at_bound = ((internal[rows] <= low) & (score < 0)) | ((internal[rows] >= high) & (score > 0))
        jacobian = np.where(is_at_bound[:, None, :], 0, jacobian)
        information = np.einsum("rwp,rw,rwq->rpq", jacobian, precision, jacobian)
        step = _damped_step(information, np.where(is_at_bound, 0, score), damping[rows])
        target = np.clip(internal[rows] + step, low, high)
        reached = evaluate(target, rows)
        gain = reached - value[rows]
        improves = gain > 0
        internal[rows[improves]], value[rows[improves]] = target[improves], reached[improves]
        damping[rows] = np.where(improves, damping[rows] / 5, damping[rows] * 4)
        goes_on = np.where(
            improves, gain > _RELATIVE_TOLERANCE * (1 + np.abs(value[rows])), damping[rows] < _MAX_DAMPING
        )
        rows = rows[goes_on]
        if not rows.size:
            break
    return Maximum(form.from_internal(internal), value)


def _damped_step(
    information: Float[np.ndarray, "rows p p"], score: Parameters, damping: Float[np.ndarray, " rows"]
) -> Parameters:
    """Solve (information + damping x its diagonal) step = score; a parameter that is held has a zero row
    and does not move.
    """
    diagonal = np.einsum("rpp->rp", information)
    ridge = damping[:, None] * diagonal + np.where(diagonal > 0, 1e-300, 1.0)
    damped = information + ridge[:, :, None] * np.eye(information.shape[1])
    step: Parameters = np.linalg.solve(damped, score[:, :, None])[:, :, 0]
    return step
