"""Which form the points ask for, with the evidence; where they can't say, that is the answer.

- ``bends``: from eight widths up, a law above a floor misses the means by more than chance (an F test at 0.1 %), and one with a bend does
  not (at 1 %).
- ``floor needed``: a likelihood ratio test refuses the law without one. The floor's bound is 0, so where there is none the ratio is 0 half
  of the time (Self & Liang 1987); the dispersion was estimated, so the other half follows F rather than chi squared.
- ``power law``: the 95 % upper limit of a floor is below a fifth of the widest networks' mean error, and the widest networks lie where the law
  of the narrower ones has them. Both are needed: a floor that was not found is none that was excluded.
- ``cannot tell``: none of these.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import chdtri, fdtrc

from scaling.fit.data.dispersion import dispersion_about
from scaling.fit.data.points import Points
from scaling.fit.data.variance import ZERO_DISPERSION, Dispersion
from scaling.fit.estimation.maximise import maximise, quasi_loglik
from scaling.fit.estimation.variable_projection import fit_by_variable_projection
from scaling.fit.forms import BROKEN, POWER
from scaling.fit.interval import CONFIDENCE_LEVEL
from scaling.fit.result import MISFIT_P, FormChoice, Law, Verdict

NEGLIGIBLE = 0.2
"""A floor below this share of the widest networks' error may be left out of a law."""
FEWEST = 20
"""Resampled studies that a covariance is taken from, at least."""
REFUSED = 0.025
"""A law without a floor is refused where its points are rarer than this."""
BENT = 1e-3
"""A law with a floor is given up for one that bends where means lie as far from it this rarely."""
BENDS_FROM = 8
"""Widths, fewer of which can't tell a bend."""


def select_form(points: Points, laws: dict[str, Law], studies: Float[np.ndarray, "draws widths"]) -> Verdict:
    """Choose between laws.

    Args:
        points: the runs.
        laws: by the form's name; without ``power`` and ``floor`` nothing can be told, nor of values that rise or are copies of each other.
        studies: means of other studies that might have been, as ``scaling.fit.estimation.maximise.other_studies`` has them.
    """
    pure, floored = laws.get("power"), laws.get("floor")
    known = points.replicate_dispersion
    copies = known is not None and known.value < ZERO_DISPERSION
    if (
        pure is None
        or floored is None
        or copies
        or not points.means.all()
        or pure.parameters["exponent"].estimate <= 0
    ):
        return Verdict(
            choice=FormChoice.UNCLEAR,
            floor_p=None,
            floor_limit=None,
            holdout_ok=None,
            floor_fits_p=None,
            bend_fits_p=None,
        )
    floor_p = _floor_p(points, known, pure, floored)
    floor_limit = floored.parameters["floor"].high / float(points.means[-1])
    holdout_ok = _holdout_ok(points, pure, studies)
    floor_fits_p, bend_fits_p = (
        _chance(points, known, floored.predict(points.widths), len(floored.parameters)),
        None,
    )
    if floor_fits_p is not None and floor_fits_p < BENT and len(points.widths) >= BENDS_FROM:
        (bent,) = maximise(BROKEN, points, points.means[None], points.weights[None])
        bend_fits_p = _chance(points, known, BROKEN.evaluate(bent, points.widths), len(bent))
    if bend_fits_p is not None and bend_fits_p > MISFIT_P:
        choice = FormChoice.BENDS
    elif floor_p is not None and floor_p < REFUSED:
        choice = FormChoice.FLOOR
    elif floor_p is not None and floor_limit < NEGLIGIBLE and holdout_ok:
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


def _chance(
    points: Points, known: Dispersion | None, curve: Float[np.ndarray, " widths"], parameters: int
) -> float | None:
    """How often means lie so far from a curve by their scatter alone; None where there is no scatter but that about it."""
    if known is None or (spare := len(points.widths) - parameters) < 1:
        return None
    return float(fdtrc(spare, known.dof, dispersion_about(points, curve, spare) / known.value))


def _floor_p(points: Points, known: Dispersion | None, pure: Law, floored: Law) -> float | None:
    """Of the likelihood ratio, over a dispersion that the floored law does not contradict."""
    curve, spare = floored.predict(points.widths), len(points.widths) - len(floored.form.parameters)
    scatters = [(known.value, known.dof)] if known else []
    scatters += [(dispersion_about(points, curve, spare), spare)] if spare > 0 else []
    # Where even the floored law misses the means, seeds alone don't tell how far means may lie from a law.
    dispersion, behind = max(scatters, default=(0.0, 0))
    if (
        dispersion < ZERO_DISPERSION
    ):  # points without any scatter are a formula's, and their rounding is no evidence
        return None
    gain = 2 * (quasi_loglik(points, curve) - quasi_loglik(points, pure.predict(points.widths))) / dispersion
    return float(fdtrc(1, behind, gain) / 2) if gain > 0 else 1.0


def _holdout_ok(points: Points, pure: Law, studies: Float[np.ndarray, "draws widths"]) -> bool | None:
    """Whether log(predicted / observed), with its covariance over studies, is no rarer than the level says."""
    if not pure.held_out or len(studies) < FEWEST:
        return None
    left = len(pure.held_out[-1].left_out)
    kept = np.where(np.arange(len(points.widths)) < len(points.widths) - left, points.weights, 0.0)
    rows = np.concatenate([points.means[None], studies])
    near = pure.predict(points.widths)
    narrow = fit_by_variable_projection(
        POWER, points.widths, rows, np.broadcast_to(kept, rows.shape), points.variance_model, near=near
    )
    apart = np.log(POWER.evaluate(narrow[:, None, :], points.widths[-left:]) / rows[:, -left:])
    seen, others = apart[0], apart[1:]
    covariance = np.atleast_2d(np.cov(others.T))
    if not np.isfinite(covariance).all() or np.linalg.matrix_rank(covariance) < left:
        return None
    return bool(seen @ np.linalg.solve(covariance, seen) <= chdtri(left, 1 - CONFIDENCE_LEVEL))
