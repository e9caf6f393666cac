"""Estimation of a joint law of two sizes: parameters, intervals, and predictions of held-out sizes.

For given exponents the law is linear in the amplitudes and the floor, none of which is below 0: a grid of
exponents with nonnegative least squares at each node (variable projection) gives the starting points. From
the best of them, the quasi-likelihood is maximised by the search of
``scaling.fit.estimation.levenberg_marquardt``. Sizes are divided by their geometric means, so that amplitudes
and exponents are hardly correlated.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from jaxtyping import Float
from scipy.optimize import nnls

from scaling.errors import FitError
from scaling.fit.data.dispersion import law_dispersion
from scaling.fit.data.joint_points import MIN_VALUES, JointPoints, check_design
from scaling.fit.data.variance import VarianceModel
from scaling.fit.estimation.bootstrap import resample_means
from scaling.fit.estimation.huber_log import fit_by_huber_loss
from scaling.fit.estimation.levenberg_marquardt import ascend
from scaling.fit.estimation.options import EstimationOptions
from scaling.fit.forms import JOINT, JOINT_POWER, JointPowerForm
from scaling.fit.interval import CONFIDENCE_LEVEL, Interval
from scaling.fit.joint_result import JointDraws, JointEstimate, JointHeldOut, JointLoss

_NODES = (-0.5, 0.03, 0.07, 0.12, 0.2, 0.3, 0.45, 0.7, 1.0, 1.5, 2.5, 4.0)
"""Exponents of the grid, of each size."""
_STARTS = 8
"""Number of nodes from which the search starts: those with the least sums of squares."""
_SMALLEST_SHARE = 1e-3
"""Amplitude, over the mean of y, with which a search starts where the node's amplitude is 0."""
_BLOCK = 400_000
"""Number of means, rows times cells, that are fitted at once."""
_MAX_HUBER_RESAMPLINGS = 500
"""Largest number of resamplings with Huber's loss, whose fits are done one by one."""
_HELD_OUT_SHARE = 20
"""Number of values of a size above which a twentieth of the values is left out at once."""

Table = Float[np.ndarray, "rows cells"]
Parameters = Float[np.ndarray, "rows p"]


def estimate_joint(
    points: JointPoints, options: EstimationOptions, *, loss: JointLoss, stream: int
) -> JointEstimate:
    """Fit the joint law to one group of points.

    Args:
        points: the runs.
        options: held-out sizes and bootstrap draws.
        loss: what the estimate minimises.
        stream: number of the group, which selects its random numbers.

    Raises:
        FitError: cells that do not determine the law, or values that cannot be computed with.
    """
    _check_points(points, loss)
    held_out = _held_out_weights(points, options.holdout)
    weights = np.stack([points.weights, *(kept for _, kept in held_out)])
    estimate, *held_out_estimates = _fit_rows(
        JOINT, points, np.tile(points.means, (len(weights), 1)), weights, loss
    )
    surface = JOINT.evaluate(estimate, points.sizes)
    if not (np.isfinite(estimate).all() and np.isfinite(surface).all()):
        raise FitError(
            f"{JOINT.formula}: {points.y_name} is too large or too small; write it in another unit"
        )
    dispersion = law_dispersion(points, surface, len(JOINT.parameters))
    if dispersion is None:
        raise FitError(
            f"{JOINT.formula} through {len(surface)} cells without replicates has no interval; add cells"
        )
    if loss is JointLoss.HUBER_LOG:
        draw_sets = [_resample_cells(points, estimate, options, stream=stream)]
    else:
        resampled = resample_means(
            points,
            surface,
            dispersion=dispersion,
            draws=options.resamplings,
            seed=options.seed,
            stream=stream,
        )
        draw_sets = _fit_resampled(points, resampled, estimate)
    has_errors = points.means > 0
    return JointEstimate(
        parameters=_intervals(estimate, draw_sets),
        draws=draw_sets[0],
        alternatives=tuple(draw_sets[1:]),
        dispersion=dispersion,
        rmse_log=_rms(np.log(surface[has_errors] / points.means[has_errors])),
        held_out=tuple(
            _held_out(points, column, kept > 0, JOINT.evaluate(fitted, points.sizes))
            for (column, kept), fitted in zip(held_out, held_out_estimates, strict=True)
        ),
        loss=loss,
    )


def _check_points(points: JointPoints, loss: JointLoss) -> None:
    """Check that some points can determine the law.

    Raises:
        FitError: they cannot.
    """
    check_design(points)
    if len(points.widths) < len(JOINT.parameters):
        raise FitError(
            f"{JOINT.formula} needs at least {len(JOINT.parameters)} cells, not {len(points.widths)}; add"
            f" values of {' or '.join(points.names)}"
        )
    if not points.means.any() or (loss is JointLoss.HUBER_LOG and not points.means.all()):
        raise FitError(f"{points.y_name}: a mean of 0 cannot be fitted this way; test on more images")


def fit_joint_rows(
    form: JointPowerForm,
    sizes: Float[np.ndarray, "cells 2"],
    means: Table,
    weights: Table,
    variance_model: VarianceModel,
    *,
    near: Float[np.ndarray, " p"] | None = None,
) -> Parameters:
    """Maximise the quasi-likelihood of a joint form for each row of means.

    Args:
        form: ``JOINT`` or ``JOINT_POWER``.
        sizes: both sizes of each cell.
        means: mean over the runs of each cell, at least 0.
        weights: number of runs behind each mean, or other weights; 0 excludes the cell from this row.
        variance_model: variance of one run.
        near: parameters from which all rows start; by default each row is fitted from several starts, and the
            best optimum is returned.
    """
    scale = np.exp(np.log(sizes).mean(axis=0))
    x = sizes / scale
    if near is not None:
        start = form.scale_sizes(near, 1 / scale)[None]
        n_rows = max(1, _BLOCK // len(x))
        blocks = [slice(first, first + n_rows) for first in range(0, len(means), n_rows)]
        fitted = [
            ascend(
                form, x, means[rows], weights[rows], variance_model, start.repeat(len(means[rows]), axis=0)
            ).parameters
            for rows in blocks
        ]
        return form.scale_sizes(np.concatenate(fitted), scale)
    best = []
    for row_means, row_weights in zip(means, weights, strict=True):
        starts = starting_points(form, x, row_means, row_weights, variance_model)
        tiled_means, tiled_weights = (
            np.tile(values, (len(starts), 1)) for values in (row_means, row_weights)
        )
        maximum = ascend(form, x, tiled_means, tiled_weights, variance_model, starts)
        best.append(maximum.parameters[maximum.quasi_loglik.argmax()])
    return form.scale_sizes(np.stack(best), scale)


def starting_points(
    form: JointPowerForm,
    x: Float[np.ndarray, "cells 2"],
    means: Float[np.ndarray, " cells"],
    weights: Float[np.ndarray, " cells"],
    variance_model: VarianceModel,
) -> Float[np.ndarray, "starts p"]:
    """Return the best nodes of the grid of exponents, with nonnegative amplitudes and floor.

    Args:
        form: ``JOINT`` or ``JOINT_POWER``.
        x: both sizes of each cell, near 1.
        means: mean over the runs of each cell.
        weights: weight of each mean.
        variance_model: variance of one run.
    """
    level = float(means @ weights / weights.sum())
    # A mean of 0 has no variance of its own.
    root = np.sqrt(weights / variance_model.variance(np.maximum(means, level / 10)))
    root /= root.max()
    nodes, losses = [], []
    has_floor = form is JOINT
    for alpha, beta in product(_NODES, _NODES):
        columns = [x[:, 0] ** -alpha, x[:, 1] ** -beta, *([np.ones(len(x))] if has_floor else [])]
        coefficients, norm = nnls(np.stack(columns, axis=1) * root[:, None], means * root)
        a, b = np.maximum(coefficients[:2], _SMALLEST_SHARE * level)
        nodes.append([a, alpha, b, beta, *coefficients[2:]])
        losses.append(norm)
    return np.array(nodes)[np.argsort(losses, kind="stable")[:_STARTS]]


def _fit_rows(
    form: JointPowerForm, points: JointPoints, means: Table, weights: Table, loss: JointLoss
) -> Parameters:
    """Fit each row from several starts."""
    if loss is JointLoss.QUASI_LIKELIHOOD:
        return fit_joint_rows(form, points.sizes, means, weights, points.variance_model)
    scale = np.exp(points.log_sizes.mean(axis=0))
    x = points.sizes / scale
    fitted = [
        fit_by_huber_loss(
            x, row, row_weights, starting_points(form, x, row, row_weights, points.variance_model)
        )
        for row, row_weights in zip(means, weights, strict=True)
    ]
    return form.scale_sizes(np.stack(fitted), scale)


def _fit_resampled(
    points: JointPoints, resampled: Table, estimate: Float[np.ndarray, " p"]
) -> list[JointDraws]:
    """Fit resampled means; also without a floor, if the floor may be 0.

    Draws that are held at the bound do not reach the low exponents of the form without a floor.
    """
    weights = np.broadcast_to(points.weights, resampled.shape)
    draws = fit_joint_rows(JOINT, points.sizes, resampled, weights, points.variance_model, near=estimate)
    draw_sets = [JointDraws(JOINT, draws)]
    if _quantiles(draws)[0, -1] <= 0 or estimate[-1] <= 0:
        (near,) = fit_joint_rows(
            JOINT_POWER, points.sizes, points.means[None], points.weights[None], points.variance_model
        )
        without = fit_joint_rows(
            JOINT_POWER, points.sizes, resampled, weights, points.variance_model, near=near
        )
        draw_sets.append(JointDraws(JOINT_POWER, without))
    return draw_sets


def _resample_cells(
    points: JointPoints, estimate: Float[np.ndarray, " p"], options: EstimationOptions, *, stream: int
) -> JointDraws:
    """Draw cells with replacement, and minimise Huber's loss for each draw.

    The loss is used because of outlying runs. Drawing cells keeps their residuals as they are, where normal
    noise of their variance would widen the intervals.
    """
    n_cells, n_draws = len(points.widths), min(options.resamplings, _MAX_HUBER_RESAMPLINGS)
    rng = np.random.default_rng([options.seed, 1, stream])
    counts = rng.multinomial(n_cells, np.full(n_cells, 1 / n_cells), size=n_draws)
    scale = np.exp(points.log_sizes.mean(axis=0))
    start = JOINT.scale_sizes(estimate, 1 / scale)[None]
    x = points.sizes / scale
    draws = [fit_by_huber_loss(x, points.means, points.weights * drawn, start) for drawn in counts]
    return JointDraws(JOINT, JOINT.scale_sizes(np.stack(draws), scale))


def _intervals(estimate: Float[np.ndarray, " p"], draw_sets: list[JointDraws]) -> dict[str, Interval]:
    limits = [_quantiles(draws.parameters) for draws in draw_sets]
    padded = [np.pad(limit, ((0, 0), (0, len(estimate) - limit.shape[1]))) for limit in limits]
    lows, highs = (np.stack(ends) for ends in zip(*padded, strict=True))
    return {
        name: Interval.around(float(value), low=float(low), high=float(high))
        for name, value, low, high in zip(
            JOINT.parameters, estimate, lows.min(axis=0), highs.max(axis=0), strict=True
        )
    }


def _quantiles(draws: Parameters) -> Float[np.ndarray, "2 p"]:
    tail = (1 - CONFIDENCE_LEVEL) / 2
    return np.asarray(np.quantile(draws, [tail, 1 - tail], axis=0))


def _held_out_weights(points: JointPoints, largest: int) -> list[tuple[int, Float[np.ndarray, " cells"]]]:
    """Return the column and the weights of each fit that leaves out the largest values of one size."""
    if not points.means.all():  # held-out means are compared by logarithms
        return []
    held_out = []
    for column, values in enumerate(points.cell_sizes.T):
        distinct = np.unique(values)
        step = -(-len(distinct) // _HELD_OUT_SHARE) if len(distinct) > _HELD_OUT_SHARE else 1
        for n_steps in range(1, largest + 1):
            if n_steps * step >= len(distinct):
                break
            kept = values < distinct[-n_steps * step]
            n_values = min(len(np.unique(sizes[kept])) for sizes in points.cell_sizes.T)
            if n_values < MIN_VALUES or kept.sum() < len(JOINT.parameters) + 2:
                break
            held_out.append((column, np.where(kept, points.weights, 0.0)))
    return held_out


def _held_out(
    points: JointPoints, column: int, kept: np.ndarray, predicted: Float[np.ndarray, " cells"]
) -> JointHeldOut:
    sizes, ratio = points.cell_sizes[:, column], predicted[~kept] / points.means[~kept]
    return JointHeldOut(
        column=points.names[column],
        left_out_from=float(sizes[~kept].min()),
        cells=int((~kept).sum()),
        extrapolation=float(sizes.max() / sizes[kept].max()),
        rmse_log=_rms(np.log(ratio)),
        bias=float((ratio - 1).mean()),
    )


def _rms(values: Float[np.ndarray, " n"]) -> float:
    return float(np.sqrt((values**2).mean()))
