"""One form, fitted to one group of points: the estimate, its interval, and how it predicts wider networks."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from scaling.errors import FitError
from scaling.fit.data.dispersion import law_dispersion
from scaling.fit.data.points import Points
from scaling.fit.data.variance import ZERO_DISPERSION, Dispersion
from scaling.fit.diagnosis.status import assess
from scaling.fit.estimation.bootstrap import resample_means
from scaling.fit.estimation.levenberg_marquardt import fit_by_levenberg_marquardt
from scaling.fit.estimation.variable_projection import fit_by_variable_projection
from scaling.fit.forms import FLOOR, POWER, Form
from scaling.fit.result import CONFIDENCE_LEVEL, HeldOut, Interval, Law

Table = Float[np.ndarray, "rows widths"]


def fit_law(form: Form, points: Points, *, holdout: int, resamplings: int, seed: int, stream: int) -> Law:
    """Fit a form; ``scaling.fit.fit`` has the arguments.

    Args:
        stream: of random numbers, which this group has to itself.

    Raises:
        FitError: too few widths, or values that can't be computed with.
    """
    widths, means, weights = points.widths, points.means, points.weights
    # A mean of 0 has no logarithm, in which what is held out is compared.
    spare = max(0, min(holdout, len(widths) - len(form.parameters) - 2)) if means.all() else 0
    kept = np.where(np.arange(len(widths)) < len(widths) - np.arange(spare + 1)[:, None], weights, 0)
    estimate, *narrow = maximise(form, points, np.broadcast_to(means, kept.shape), kept)
    curve = form.evaluate(estimate, widths)
    if not (np.isfinite(estimate).all() and np.isfinite(curve).all()):
        raise FitError(
            f"{form.formula}: {points.y_name} is beyond what can be computed with; write it in another unit"
        )
    known = law_dispersion(points, curve, len(form.parameters))
    if known is None:
        raise FitError(
            f"{form.formula} through {len(curve)} widths without replicates has no interval; add seeds or widths"
        )
    studies = resample_means(points, curve, dispersion=known, draws=resamplings, seed=seed, stream=stream)
    every = np.broadcast_to(weights, studies.shape)
    draws = maximise(form, points, studies, every, near=estimate)
    ends = np.stack(
        [estimate, *_quantiles(draws)]
    )  # the estimate too: a bound can push all draws to one side of it
    pure = None
    if form is FLOOR and ends[:, 2].min() == 0:
        # At this end stands the pure law. Draws held at the bound hardly reach as low as its exponent may be, so its own interval is taken in.
        pure = np.insert(
            fit_by_variable_projection(POWER, widths, studies, every, points.variance_model, near=curve),
            2,
            0,
            axis=1,
        )
        ends = np.concatenate([ends, _quantiles(pure)])
    parameters = {
        name: Interval(estimate=float(value), low=float(low), high=float(high))
        for name, value, low, high in zip(
            form.parameters, estimate, ends.min(axis=0), ends.max(axis=0), strict=True
        )
    }
    status, reason = assess(form, points, estimate, parameters)
    seen = means > 0
    return Law(
        form=form,
        parameters=parameters,
        draws=draws,
        draws_at_bound=pure,
        dispersion=known,
        rmse_log=_rms(np.log(curve[seen] / means[seen])),
        aicc=_aicc(form, points, curve),
        held_out=tuple(
            _held_out(points, left, form.evaluate(fitted, widths))
            for left, fitted in enumerate(narrow, start=1)
        ),
        status=status,
        reason=reason,
    )


def maximise(
    form: Form, points: Points, means: Table, weights: Table, near: Float[np.ndarray, " p"] | None = None
) -> Float[np.ndarray, "rows p"]:
    """Fit a form to each row of means.

    Args:
        near: parameters that all rows are near to.
    """
    if form in (POWER, FLOOR):
        curve = None if near is None else form.evaluate(near, points.widths)
        return fit_by_variable_projection(
            form, points.widths, means, weights, points.variance_model, near=curve
        )
    return fit_by_levenberg_marquardt(form, points.widths, means, weights, points.variance_model, near=near)


def resample_replicates(pure: Law, points: Points, draws: int, seed: int, stream: int) -> Table:
    """Means of other studies that might have been, by the spread of runs and orders, not by how far the means lie from the law on trial."""
    known: Dispersion = points.replicate_dispersion or pure.dispersion
    return resample_means(
        points, pure.predict(points.widths), dispersion=known, draws=draws, seed=seed, stream=stream
    )


def quasi_loglik(points: Points, curve: Float[np.ndarray, " widths"]) -> float:
    """The quasi-log-likelihood of a curve at dispersion 1, up to a term that is the same for all curves."""
    return float((points.weights * points.variance_model.quasi_loglik(points.means, curve)).sum())


def _aicc(form: Form, points: Points, curve: Float[np.ndarray, " widths"]) -> float | None:
    """With the dispersion that replicates tell, the same for all forms (Burnham & Anderson 2002, section 2.5)."""
    known, n = points.replicate_dispersion, len(points.widths)
    k = len(form.parameters) + (
        points.known_std is None
    )  # where it isn't stated, the dispersion is estimated too
    if known is None or known.value < ZERO_DISPERSION or n <= k + 1:
        return None
    return -2 * quasi_loglik(points, curve) / known.value + 2 * k + 2 * k * (k + 1) / (n - k - 1)


def _quantiles(draws: Float[np.ndarray, "draws p"]) -> Float[np.ndarray, "2 p"]:
    """Both ends of the interval."""
    return np.asarray(np.quantile(draws, [(1 - CONFIDENCE_LEVEL) / 2, (1 + CONFIDENCE_LEVEL) / 2], axis=0))


def _held_out(points: Points, spare: int, predicted: Float[np.ndarray, " widths"]) -> HeldOut:
    ratio = predicted[-spare:] / points.means[-spare:]
    return HeldOut(
        left_out=tuple(points.widths[-spare:].tolist()),
        rmse_log=_rms(np.log(ratio)),
        bias=float((ratio - 1).mean()),
    )


def _rms(values: Float[np.ndarray, " n"]) -> float:
    return float(np.sqrt((values**2).mean()))
