"""Verdict between the forms, with its evidence; ``cannot tell`` if the data do not decide.

- ``bends``: with eight widths or more, the law with a floor misfits the means (F test at 0.1 %), and a law
  that bends does not (at 1 %): two power laws joined by a bend, or else M4.
- ``floor needed``: a quasi-likelihood-ratio test rejects the law without a floor. The floor has the bound 0,
  so the ratio is 0 in half of the studies without a floor (Self & Liang 1987). The dispersion is estimated,
  so the other half follows an F instead of a chi-squared distribution. It does not reject a curve that
  bends and falls on with a smaller exponent; ``scaling.fit.diagnosis.flattening`` says where that matters.
- ``power law``: all of these, because not finding a deviation does not exclude one: the upper 95 % limit of
  the floor is below a fifth of the mean error of the widest networks; that of the change of the local
  exponent over the measured sizes is below a third of the exponent; the law fits the means (F test at 1 %);
  and the law of the narrower networks predicts the widest ones, to 10 %.
- ``cannot tell``: none of these.

The scatter of the means comes from replicates. Without replicates, it comes from a smooth curve through the
means, and with fewer than eight widths the verdict is ``cannot tell``.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import chdtri, fdtrc

from scaling.fit.data.dispersion import dispersion_about, form_free_dispersion
from scaling.fit.data.points import Points
from scaling.fit.data.variance import ZERO_DISPERSION, Dispersion
from scaling.fit.diagnosis.drift import limit_exponent_drift
from scaling.fit.diagnosis.flattening import find_possible_bend
from scaling.fit.diagnosis.misfit import misfit_p
from scaling.fit.estimation.quasi_likelihood import maximise, quasi_loglik
from scaling.fit.estimation.variable_projection import fit_by_variable_projection
from scaling.fit.form_choice import MISFIT_P, FormChoice, Verdict
from scaling.fit.forms import BENT_FORMS, FLOOR, POWER
from scaling.fit.interval import CONFIDENCE_LEVEL
from scaling.fit.result import Law

FLOOR_P = 0.025
"""p-value below which the law without a floor is rejected."""
MIN_COVARIANCE_DRAWS = 20
"""Smallest number of resampled studies from which a covariance is estimated."""

_NEGLIGIBLE_FLOOR = 0.2
"""Share of the widest networks' error below which a floor may be left out of a law."""
_NEGLIGIBLE_DRIFT = 1 / 3
"""Change of the local exponent, relative to the exponent, below which a law may be without a bend."""
_HOLDOUT_BIAS = 0.1
"""Relative bias of a prediction of the widest networks above which the prediction fails."""
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
    noise = form_free_dispersion(points)
    if noise is None or noise.value < ZERO_DISPERSION:  # values of a formula: their rounding is no evidence
        return Verdict(choice=FormChoice.UNCLEAR)
    floor_p = _floor_test(points, power, floor, noise)
    floor_limit = floor.parameters["floor"].high / float(points.means[-1])
    drift_limit = limit_exponent_drift(points, noise)
    holdout_ok = _holdout_ok(points, power, resampled)
    floor_fits_p = misfit_p(points, floor.predict(points.widths), noise, n_parameters=len(floor.parameters))
    bend_form, bend_fits_p = "", None
    if floor_fits_p is not None and floor_fits_p < _BEND_P and len(points.widths) >= _MIN_WIDTHS_FOR_BEND:
        bend_form, bend_fits_p = _find_bend(points, noise)
    power_fits_p = misfit_p(points, power.predict(points.widths), noise, n_parameters=len(power.parameters))
    is_power = (
        floor_limit < _NEGLIGIBLE_FLOOR
        and drift_limit is not None
        and drift_limit < _NEGLIGIBLE_DRIFT
        and (power_fits_p is None or power_fits_p > MISFIT_P)
        and holdout_ok
    )
    if bend_fits_p is not None and bend_fits_p > MISFIT_P:
        choice = FormChoice.BENDS
    elif floor_p is not None and floor_p < FLOOR_P:
        choice = FormChoice.FLOOR
    elif floor_p is not None and is_power:
        choice = FormChoice.POWER
    else:
        choice = FormChoice.UNCLEAR
    return Verdict(
        choice=choice,
        floor_p=floor_p,
        floor_limit=floor_limit,
        drift_limit=drift_limit,
        holdout_ok=holdout_ok,
        floor_fits_p=floor_fits_p,
        bend_form=bend_form,
        bend_fits_p=bend_fits_p,
        possible_bend=find_possible_bend(points, floor, noise) if choice is FormChoice.FLOOR else None,
    )


def _find_bend(points: Points, noise: Dispersion) -> tuple[str, float | None]:
    """Return the first form with a bend that fits the means, or the last one, and its p-value of a misfit."""
    name, fits_p = "", None
    for form in BENT_FORMS:
        (bent,) = maximise(form, points, points.means[None], points.weights[None])
        name = form.name
        fits_p = misfit_p(points, form.evaluate(bent, points.widths), noise, n_parameters=len(bent))
        if fits_p is not None and fits_p > MISFIT_P:
            break
    return name, fits_p


def _is_decidable(points: Points, power: Law) -> bool:
    return bool(points.means.all() and power.parameters["exponent"].estimate > 0)


def _floor_test(points: Points, power: Law, floor: Law, noise: Dispersion) -> float | None:
    """Return the p-value of the quasi-likelihood-ratio test of a floor of 0; None without scatter."""
    curve, residual_dof = floor.predict(points.widths), len(points.widths) - len(floor.form.parameters)
    dispersions = [(noise.value, noise.dof)]
    if residual_dof > 0:
        dispersions.append((dispersion_about(points, curve, residual_dof), residual_dof))
    # If even the law with a floor misfits the means, the seeds alone understate how far means lie from a law.
    dispersion, dof = max(dispersions)
    if floor.parameters["floor"].estimate == 0:  # both laws are the same curve, up to rounding
        return 1.0
    loglik_gain = quasi_loglik(points, curve) - quasi_loglik(points, power.predict(points.widths))
    statistic = 2 * loglik_gain / dispersion
    return float(fdtrc(1, dof, statistic) / 2) if statistic > 0 else 1.0


def _holdout_ok(points: Points, power: Law, resampled: Float[np.ndarray, "draws widths"]) -> bool | None:
    """Return True if the widest networks lie in the joint prediction interval of the narrower ones, and near
    it.

    The statistic is the squared Mahalanobis length of log(predicted / observed), with the covariance over
    resampled studies. The result is None without held-out widths or with too few resampled studies.
    """
    if not power.held_out or len(resampled) < MIN_COVARIANCE_DRAWS:
        return None
    if abs(power.held_out[-1].bias) > _HOLDOUT_BIAS:
        return False
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
