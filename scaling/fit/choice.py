"""Which form the points ask for, with the evidence; where they can't say, that is the answer.

- ``floor needed``: a likelihood ratio test refuses the law without one. The floor's bound is 0, so where there is none the ratio is 0 half
  of the time (Self & Liang 1987); the dispersion was estimated, so the other half follows F rather than chi squared.
- ``power law``: the 95 % upper limit of a floor is below a fifth of the widest networks' mean error, and the widest networks lie where the law
  of the narrower ones has them. Both are needed: a floor that was not found is none that was excluded.
- ``cannot tell``: neither.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import chdtri, fdtrc

from scaling.fit.forms import POWER
from scaling.fit.likelihood import support
from scaling.fit.noise import COPIES, dispersion, dispersion_about, freedom
from scaling.fit.points import Points
from scaling.fit.result import LEVEL, Choice, Law, Verdict
from scaling.fit.solve import solve

NEGLIGIBLE = 0.2
"""A floor below this share of the widest networks' error may be left out of a law."""
FEWEST = 20
"""Resampled studies that a covariance is taken from, at least."""
REFUSED = 0.025
"""A law without a floor is refused where its points are rarer than this."""


def choose(points: Points, laws: dict[str, Law], studies: Float[np.ndarray, "draws widths"]) -> Verdict:
    """Choose between laws with and without a floor.

    Args:
        points: the runs.
        laws: by the form's name; where either is missing, nothing can be told, nor of values that rise or are copies of each other.
        studies: means of other studies that might have been, as the pure law's interval has them.
    """
    pure, floored = laws.get("power"), laws.get("floor")
    scatter = dispersion(points)
    copies = scatter is not None and scatter < COPIES
    if pure is None or floored is None or copies or not points.means.all() or pure.parameters["exponent"].estimate <= 0:
        return Verdict(choice=Choice.UNCLEAR, floor_p=None, ceiling=None, foreseen=None)
    floor_p = _floor_p(points, pure, floored)
    ceiling = floored.parameters["floor"].high / float(points.means[-1])
    foreseen = _foreseen(points, pure, studies)
    if floor_p is not None and floor_p < REFUSED:
        choice = Choice.FLOOR
    elif floor_p is not None and ceiling < NEGLIGIBLE and foreseen:
        choice = Choice.POWER
    else:
        choice = Choice.UNCLEAR
    return Verdict(choice=choice, floor_p=floor_p, ceiling=ceiling, foreseen=foreseen)


def _floor_p(points: Points, pure: Law, floored: Law) -> float | None:
    """Of the likelihood ratio, over a dispersion that the floored law does not contradict."""
    curve, spare = floored.predict(points.widths), len(points.widths) - len(floored.form.parameters)
    known = [(scatter, freedom(points))] if (scatter := dispersion(points)) else []
    known += [(dispersion_about(points, curve, spare), spare)] if spare > 0 else []
    # Where even the floored law misses the means, seeds alone don't tell how far means may lie from a law.
    scatter, behind = max(known, default=(0.0, 0))
    if scatter < COPIES:  # points without any scatter are a formula's, and their rounding is no evidence
        return None
    gain = 2 * (support(points, curve) - support(points, pure.predict(points.widths))) / scatter
    return float(fdtrc(1, behind, gain) / 2) if gain > 0 else 1.0


def _foreseen(points: Points, pure: Law, studies: Float[np.ndarray, "draws widths"]) -> bool | None:
    """Whether log(predicted / observed), with its covariance over studies, is no rarer than the level says."""
    if not pure.held_out or len(studies) < FEWEST:
        return None
    left = len(pure.held_out[-1].left_out)
    kept = np.where(np.arange(len(points.widths)) < len(points.widths) - left, points.counts, 0.0)
    rows = np.concatenate([points.means[None], studies])
    near = pure.predict(points.widths)
    narrow = solve(POWER, points.widths, rows, np.broadcast_to(kept, rows.shape), points.trials, near=near)
    apart = np.log(POWER.evaluate(narrow[:, None, :], points.widths[-left:]) / rows[:, -left:])
    seen, others = apart[0], apart[1:]
    covariance = np.atleast_2d(np.cov(others.T))
    if not np.isfinite(covariance).all() or np.linalg.matrix_rank(covariance) < left:
        return None
    return bool(seen @ np.linalg.solve(covariance, seen) <= chdtri(left, 1 - LEVEL))
