"""Fits of forms that are linear in nothing, many at once: Fisher's scoring, damped as Levenberg and Marquardt do, from several starts.

Parameters are searched as the form says, by their logarithms or within bounds; a step that would make the quasi-likelihood worse is not taken
but damped. Axes: rows (one fit each), widths, p (parameters).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from scaling.errors import FitError
from scaling.fit.data.variance import VarianceModel
from scaling.fit.estimation.variable_projection import MAX_EXPONENT, fit_by_variable_projection
from scaling.fit.forms import BROKEN, FLOOR, Form

STEPS, CONVERGED = 200, 1e-10
"""The most, and the largest relative gain of a step that ends the search."""
TURNS = (0.1, 1.0)
CEILINGS = (1.1, 2.0)
"""Over the largest mean: where the search for M4 starts."""
HIGHEST = 1000.0
"""Ceiling, over the largest mean: higher ones are out of sight, and all alike."""
LEAST = {"floor": 0.0, "turn": 1e-3, "exponent": -MAX_EXPONENT, "beyond": -MAX_EXPONENT}
MOST = {"turn": 10.0, "exponent": MAX_EXPONENT, "beyond": MAX_EXPONENT}
FAR = 200.0
"""Logarithms are searched from minus to plus this."""

Table = Float[np.ndarray, "rows widths"]
Parameters = Float[np.ndarray, "rows p"]


def fit_by_levenberg_marquardt(
    form: Form,
    x: Float[np.ndarray, " widths"],
    means: Table,
    counts: Table,
    variance_model: VarianceModel,
    *,
    near: Float[np.ndarray, " p"] | None = None,
) -> Parameters:
    """Fit a form to each row of means, as ``scaling.fit.estimation.variable_projection`` does for those that are linear in amplitude and floor.

    Args:
        near: parameters that all rows are near to; by default each row is fitted from several starts, and the best of them is its fit.

    Raises:
        FitError: a row has fewer widths than the form has parameters.
    """
    fewest = (counts > 0).sum(axis=1).min()
    if fewest < len(form.parameters):
        raise FitError(
            f"{form.formula} needs at least {len(form.parameters)} widths, not {fewest}; add widths"
        )
    if near is not None:
        return _climb(form, x, means, counts, variance_model, near[None].repeat(len(means), axis=0))[0]
    starts = np.stack(_starts(form, x, means, counts, variance_model))
    many = len(starts)  # all of them climb at once
    found, worth = _climb(
        form,
        x,
        np.tile(means, (many, 1)),
        np.tile(counts, (many, 1)),
        variance_model,
        starts.reshape(-1, starts.shape[2]),
    )
    best = worth.reshape(many, -1).argmax(axis=0)
    fitted: Parameters = found.reshape(starts.shape)[best, np.arange(len(means))]
    return fitted


def _starts(
    form: Form, x: np.ndarray, means: Table, counts: Table, variance_model: VarianceModel
) -> list[Parameters]:
    if form is BROKEN:
        return [_legs(x, means, counts, bend) for bend in np.sqrt(x[1:-2] * x[2:-1])]
    amplitude, exponent, floor = fit_by_variable_projection(FLOOR, x, means, counts, variance_model).T
    top = means.max(axis=1)
    return [
        np.stack(
            [amplitude * (over * top - floor) ** -turn, exponent, floor, over * top, np.full_like(top, turn)],
            axis=1,
        )
        for turn in TURNS
        for over in CEILINGS
    ]


def _legs(x: np.ndarray, means: Table, counts: Table, bend: float) -> Parameters:
    """Two straight lines in logarithms that meet at a bend."""
    place = np.log(x)
    past = np.maximum(place - np.log(bend), 0)
    design = np.stack([np.ones_like(place), past - place, -past], axis=1)  # log A, rho, rho'
    weights = np.sqrt(counts)
    level = np.log(np.maximum(means, means[means > 0].min() / 2))
    lines = np.linalg.pinv(weights[:, :, None] * design) @ (weights * level)[:, :, None]
    return np.concatenate([np.exp(lines[:, :1, 0]), lines[:, 1:, 0], np.full((len(means), 1), bend)], axis=1)


def _climb(
    form: Form, x: np.ndarray, means: Table, counts: Table, variance_model: VarianceModel, start: Parameters
) -> tuple[Parameters, Float[np.ndarray, " rows"]]:
    """To the nearest maximum, and the quasi-likelihood there."""
    logs = np.array([name in form.positive for name in form.parameters])
    low = np.where(logs, -FAR, [LEAST.get(name, -np.inf) for name in form.parameters])
    high = np.where(logs, FAR, [MOST.get(name, np.inf) for name in form.parameters])
    high[[name == "ceiling" for name in form.parameters]] = np.log(HIGHEST * means.max())

    def outward(inner: Parameters) -> Parameters:
        return np.where(logs, np.exp(np.where(logs, inner, 0)), inner)

    def worth(inner: Parameters, rows: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):  # a step may lead to where there is no curve
            curve = form.evaluate(outward(inner)[:, None, :], x)
            value = (counts[rows] * variance_model.quasi_loglik(means[rows], curve)).sum(axis=1)
        return np.where(np.isfinite(value), value, -np.inf)

    rows = np.arange(len(means))
    inner = np.clip(np.where(logs, np.log(np.where(logs, start, 1)), start), low, high)
    value, damping = worth(inner, rows), np.full(len(means), 1e-3)
    for _ in range(STEPS):
        parameters = outward(inner[rows])
        curve = form.evaluate(parameters[:, None, :], x)
        moves = form.jacobian(parameters[:, None, :], x) * np.where(logs, parameters, 1)[:, None, :]
        weights = counts[rows] / variance_model.variance(curve)
        slope = np.einsum("rw,rwp->rp", weights * (means[rows] - curve), moves)
        held = ((inner[rows] <= low) & (slope < 0)) | (
            (inner[rows] >= high) & (slope > 0)
        )  # pressed against its bound
        moves = np.where(held[:, None, :], 0, moves)
        curvature = np.einsum("rwp,rw,rwq->rpq", moves, weights, moves)
        diagonal = np.einsum("rpp->rp", curvature)
        ridge = damping[rows, None] * diagonal + np.where(diagonal > 0, 1e-300, 1.0)
        step = np.linalg.solve(
            curvature + ridge[:, :, None] * np.eye(len(logs)), np.where(held, 0, slope)[:, :, None]
        )[:, :, 0]
        target = np.clip(inner[rows] + step, low, high)
        reached = worth(target, rows)
        gain = reached - value[rows]
        better = gain > 0
        inner[rows[better]], value[rows[better]] = target[better], reached[better]
        damping[rows] = np.where(better, damping[rows] / 5, damping[rows] * 4)
        still = np.where(better, gain > CONVERGED * (1 + np.abs(value[rows])), damping[rows] < 1e6)
        rows = rows[still]
        if not rows.size:
            break
    return outward(inner), value
