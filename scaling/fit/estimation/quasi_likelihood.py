"""Estimation of one form on one group of points: parameters, intervals and predictions of held-out widths."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from scaling.errors import FitError
from scaling.fit.data.dispersion import law_dispersion
from scaling.fit.data.points import Points
from scaling.fit.data.variance import ZERO_DISPERSION
from scaling.fit.estimation.bootstrap import resample_means
from scaling.fit.estimation.levenberg_marquardt import fit_by_levenberg_marquardt
from scaling.fit.estimation.options import EstimationOptions
from scaling.fit.estimation.variable_projection import fit_by_variable_projection
from scaling.fit.forms import FLOOR, POWER, Form, NonlinearForm
from scaling.fit.interval import CONFIDENCE_LEVEL, Interval
from scaling.fit.result import DrawSet, FormEstimate, HeldOut

Table = Float[np.ndarray, "rows widths"]


def estimate_form(form: Form, points: Points, options: EstimationOptions, *, stream: int) -> FormEstimate:
    """Fit one form to one group of points.

    Args:
        form: the form to fit.
        points: the runs.
        options: held-out widths and bootstrap draws.
        stream: number of the group, which selects its random numbers.

    Raises:
        FitError: too few widths, or values that cannot be computed with.
    """
    widths, means, weights = points.widths, points.means, points.weights
    # Held-out widths are compared by logarithms, and a mean of 0 has none.
    largest_holdout = min(options.holdout, len(widths) - len(form.parameters) - 2) if means.all() else 0
    n_fitted = len(widths) - np.arange(max(0, largest_holdout) + 1)
    weights_by_holdout = np.where(np.arange(len(widths)) < n_fitted[:, None], weights, 0)
    estimate, *holdout_estimates = maximise(
        form, points, np.broadcast_to(means, weights_by_holdout.shape), weights_by_holdout
    )
    curve = form.evaluate(estimate, widths)
    if not (np.isfinite(estimate).all() and np.isfinite(curve).all()):
        raise FitError(f"{form.formula}: {points.y_name} is too large or too small; write it in another unit")
    dispersion = law_dispersion(points, curve, len(form.parameters))
    if dispersion is None:
        raise FitError(
            f"{form.formula} through {len(curve)} widths without replicates has no interval; "
            f"add {'seeds or widths' if points.has_seeds else 'widths'}"
        )
    resampled = resample_means(
        points, curve, dispersion=dispersion, draws=options.resamplings, seed=options.seed, stream=stream
    )
    draws = maximise(form, points, resampled, np.broadcast_to(weights, resampled.shape), near=estimate)
    limits = np.stack(
        [estimate, *_quantiles(draws)]
    )  # a bound can push all draws to one side of the estimate
    alternatives: tuple[DrawSet, ...] = ()
    if form is FLOOR and limits[:, 2].min() == 0:
        alternatives = (_draws_without_floor(points, resampled, curve),)
        without_floor = np.insert(_quantiles(alternatives[0].parameters), 2, 0, axis=1)
        limits = np.concatenate([limits, without_floor])
    has_errors = means > 0
    return FormEstimate(
        form=form,
        parameters={
            name: Interval(estimate=float(value), low=float(low), high=float(high))
            for name, value, low, high in zip(
                form.parameters, estimate, limits.min(axis=0), limits.max(axis=0), strict=True
            )
        },
        draws=draws,
        alternatives=alternatives,
        dispersion=dispersion,
        rmse_log=_rms(np.log(curve[has_errors] / means[has_errors])),
        aicc=_aicc(form, points, curve),
        held_out=tuple(
            _held_out(points, n_left_out, form.evaluate(fitted, widths))
            for n_left_out, fitted in enumerate(holdout_estimates, start=1)
        ),
    )


def maximise(
    form: Form, points: Points, means: Table, weights: Table, *, near: Float[np.ndarray, " p"] | None = None
) -> Float[np.ndarray, "rows p"]:
    """Return the parameters that maximise the quasi-likelihood of each row of means.

    Args:
        form: the form to fit.
        points: the runs, which define the widths and the variance model.
        means: means at each width.
        weights: weight of each mean; 0 excludes the width from this row.
        near: parameters close to those of all rows.
    """
    if isinstance(form, NonlinearForm):
        return fit_by_levenberg_marquardt(
            form, points.widths, means, weights, points.variance_model, near=near
        )
    curve = None if near is None else form.evaluate(near, points.widths)
    return fit_by_variable_projection(form, points.widths, means, weights, points.variance_model, near=curve)


def quasi_loglik(points: Points, curve: Float[np.ndarray, " widths"]) -> float:
    """Return the quasi-log-likelihood of a curve at dispersion 1, up to a term that is the same for all
    curves.
    """
    return float((points.weights * points.variance_model.quasi_loglik(points.means, curve)).sum())


def quasi_loglik_gain(
    points: Points, curve: Float[np.ndarray, " widths"], reference: Float[np.ndarray, " widths"]
) -> float:
    """Return the quasi-log-likelihood of a curve at dispersion 1, minus that of a reference curve."""
    return float((points.weights * points.variance_model.loglik_gain(points.means, curve, reference)).sum())


def _draws_without_floor(points: Points, resampled: Table, curve: Float[np.ndarray, " widths"]) -> DrawSet:
    """Fit the power law without a floor to the resampled means.

    Draws of the floored form that are held at the bound do not reach the low exponents of the power law, so
    the interval of the power law is included where the floor may be 0.
    """
    weights = np.broadcast_to(points.weights, resampled.shape)
    power = fit_by_variable_projection(
        POWER, points.widths, resampled, weights, points.variance_model, near=curve
    )
    return DrawSet(POWER, power)


def _aicc(form: Form, points: Points, curve: Float[np.ndarray, " widths"]) -> float | None:
    """Return AICc with the dispersion of the replicates, the same for all forms.

    Source: Burnham & Anderson 2002, section 2.5.
    """
    dispersion, n = points.replicate_dispersion, len(points.widths)
    k = len(form.parameters) + (points.known_std is None)  # the dispersion is a parameter if it is estimated
    if dispersion is None or dispersion.value < ZERO_DISPERSION or n <= k + 1:
        return None
    return -2 * quasi_loglik(points, curve) / dispersion.value + 2 * k + 2 * k * (k + 1) / (n - k - 1)


def _quantiles(draws: Float[np.ndarray, "draws p"]) -> Float[np.ndarray, "2 p"]:
    tail = (1 - CONFIDENCE_LEVEL) / 2
    return np.asarray(np.quantile(draws, [tail, (1 + CONFIDENCE_LEVEL) / 2], axis=0))


def _held_out(points: Points, n_left_out: int, predicted: Float[np.ndarray, " widths"]) -> HeldOut:
    ratio = predicted[-n_left_out:] / points.means[-n_left_out:]
    return HeldOut(
        left_out=tuple(points.widths[-n_left_out:].tolist()),
        predicted=tuple(predicted[-n_left_out:].tolist()),
        rmse_log=_rms(np.log(ratio)),
        bias=float((ratio - 1).mean()),
    )


def _rms(values: Float[np.ndarray, " n"]) -> float:
    return float(np.sqrt((values**2).mean()))
