"""Verdict between the forms, with its evidence; ``cannot tell`` if the data do not decide.

- ``bends``: with eight widths or more, the law with a floor misfits the means (F test at 0.1 %), and the law
  that bends does not (at 1 %).
- ``floor needed``: a quasi-likelihood-ratio test rejects the law without a floor. The floor has the bound 0,
  so the ratio is 0 in half of the studies without a floor (Self & Liang 1987). The dispersion is estimated,
  so the other half follows an F instead of a chi-squared distribution.
- ``power law``: the upper 95 % limit of the floor is below a fifth of the mean error of the widest networks,
  and the law of the narrower networks predicts the widest ones. Both are required, because not
  finding a floor does not exclude one.
- ``cannot tell``: none of these.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import chdtri, fdtrc

from scaling.fit.data.dispersion import dispersion_about
from scaling.fit.data.points import Points
from scaling.fit.data.variance import ZERO_DISPERSION
from scaling.fit.estimation.quasi_likelihood import maximise, quasi_loglik
from scaling.fit.estimation.variable_projection import fit_by_variable_projection
from scaling.fit.forms import BROKEN, FLOOR, POWER
from scaling.fit.interval import CONFIDENCE_LEVEL
from scaling.fit.result import MISFIT_P, FormChoice, Law, Verdict

FLOOR_P = 0.025
"""p-value below which the law without a floor is rejected."""
MIN_COVARIANCE_DRAWS = 20
"""Smallest number of resampled studies from which a covariance is estimated."""

_NEGLIGIBLE_FLOOR = 0.2
"""Share of the widest networks' error below which a floor may be left out of a law."""
_BEND_P = 1e-3
"""p-value of the misfit below which the law that bends may replace the law with a floor."""
_MIN_WIDTHS_FOR_BEND = 8
"""Number of widths below which a bend is not tested."""


def select_form(
    points: Points, laws: dict[str, Law], resampled: Float[np.ndarray, "draws widths"]
) -> Verdict:
    """Select the form that the data support.

    Args:
        points: the runs.
        laws: laws by the name of their form. The verdict is ``cannot tell`` without ``power`` and ``floor``,
            and for values that rise or are copies of each other.
        resampled: means of resampled studies, by the dispersion of the replicates.
    """
    power, floor = laws.get(POWER.name), laws.get(FLOOR.name)
    if power is None or floor is None or not _is_decidable(points, power):
        return Verdict(choice=FormChoice.UNCLEAR)
    floor_p = _floor_test(points, power, floor)
    floor_limit = floor.parameters["floor"].high / float(points.means[-1])
    holdout_ok = _holdout_ok(points, power, resampled)
    floor_fits_p = _misfit_p(points, floor.predict(points.widths), n_parameters=len(floor.parameters))
    bend_fits_p = None
    if floor_fits_p is not None and floor_fits_p < _BEND_P and len(points.widths) >= _MIN_WIDTHS_FOR_BEND:
        (bent,) = maximise(BROKEN, points, points.means[None], points.weights[None])
        bend_fits_p = _misfit_p(points, BROKEN.evaluate(bent, points.widths), n_parameters=len(bent))
    if bend_fits_p is not None and bend_fits_p > MISFIT_P:
        choice = FormChoice.BENDS
    elif floor_p is not None and floor_p < FLOOR_P:
        choice = FormChoice.FLOOR
    elif floor_p is not None and floor_limit < _NEGLIGIBLE_FLOOR and holdout_ok:
        choice = FormChoice.POWER
    else:
        choice = FormChoice.UNCLEAR
    return Verdict(
        choice=choice,
        floor_p=floor_p,
        floor_limit=floor_limit,
        holdout_ok=holdout_ok,
        floor_fits_p=floor_fits_p,
        bend_fits_p=bend_fits_p,
    )


def _is_decidable(points: Points, power: Law) -> bool:
    dispersion = points.replicate_dispersion
    has_scatter = dispersion is None or dispersion.value >= ZERO_DISPERSION
    return bool(has_scatter and points.means.all() and power.parameters["exponent"].estimate > 0)


def _misfit_p(points: Points, curve: Float[np.ndarray, " widths"], *, n_parameters: int) -> float | None:
    """Return the p-value of the F test of the residuals against the replicates; None if it is undefined."""
    dispersion, residual_dof = points.replicate_dispersion, len(points.widths) - n_parameters
    if dispersion is None or residual_dof < 1:
        return None
    ratio = dispersion_about(points, curve, residual_dof) / dispersion.value
    return float(fdtrc(residual_dof, dispersion.dof, ratio))


def _floor_test(points: Points, power: Law, floor: Law) -> float | None:
    """Return the p-value of the quasi-likelihood-ratio test of a floor of 0; None without scatter."""
    curve, residual_dof = floor.predict(points.widths), len(points.widths) - len(floor.form.parameters)
    replicates = points.replicate_dispersion
    dispersions = [(replicates.value, replicates.dof)] if replicates else []
    if residual_dof > 0:
        dispersions.append((dispersion_about(points, curve, residual_dof), residual_dof))
    # If even the law with a floor misfits the means, the seeds alone understate how far means lie from a law.
    dispersion, dof = max(dispersions, default=(0.0, 0))
    if dispersion < ZERO_DISPERSION:  # values of a formula: their rounding is not evidence
        return None
    if floor.parameters["floor"].estimate == 0:  # both laws are the same curve, up to rounding
        return 1.0
    loglik_gain = quasi_loglik(points, curve) - quasi_loglik(points, power.predict(points.widths))
    statistic = 2 * loglik_gain / dispersion
    return float(fdtrc(1, dof, statistic) / 2) if statistic > 0 else 1.0


def _holdout_ok(points: Points, power: Law, resampled: Float[np.ndarray, "draws widths"]) -> bool | None:
    """Return True if the widest networks lie in the joint prediction interval of the narrower ones.

    The statistic is the squared Mahalanobis length of log(predicted / observed), with the covariance over
    resampled studies. The result is None without held-out widths or with too few resampled studies.
    """
    if not power.held_out or len(resampled) < MIN_COVARIANCE_DRAWS:
        return None
    n_left_out = len(power.held_out[-1].left_out)
    is_fitted = np.arange(len(points.widths)) < len(points.widths) - n_left_out
    means = np.concatenate([points.means[None], resampled])
    narrow = fit_by_variable_projection(
        POWER,
        points.widths,
        means,
        np.broadcast_to(np.where(is_fitted, points.weights, 0.0), means.shape),
        points.variance_model,
        near=power.predict(points.widths),
    )
    log_ratios = np.log(
        POWER.evaluate(narrow[:, None, :], points.widths[-n_left_out:]) / means[:, -n_left_out:]
    )
    observed, resampled_ratios = log_ratios[0], log_ratios[1:]
    covariance = np.atleast_2d(np.cov(resampled_ratios.T))
    if not np.isfinite(covariance).all() or np.linalg.matrix_rank(covariance) < n_left_out:
        return None
    statistic = observed @ np.linalg.solve(covariance, observed)
    return bool(statistic <= chdtri(n_left_out, 1 - CONFIDENCE_LEVEL))
