"""Outliers: runs far from the other runs of their width, and the winsorised points for a robust second fit.

Each run is compared with the mean of the other runs of its width, in units of the spread that all other runs
imply. These externally studentised deviations follow Student's t distribution if the noise is normal. A run
is an outlier if chance would produce such a run in less than a thousandth of all studies. Outliers are
winsorised to twice the spread, and the laws are fitted again. The data cannot say which of the two fits is
right, so both are reported.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import stdtr

from scaling.fit.data.points import Points

_STUDY_ALPHA = 1e-3
"""Probability that a study with normal noise has any outlier."""
_WINSOR_STDS = 2.0
"""Number of standard deviations from the mean to which outliers are moved."""
_MAX_NAMED = 8
"""Largest number of outliers that the note names."""
_MIN_DOF = 8
"""Degrees of freedom below which the spread is too uncertain to call a run an outlier."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Winsorised:
    """Points with their outliers moved towards the other runs of their width."""

    points: Points
    note: str
    """Sentence that names the outliers."""


def winsorise(points: Points) -> Winsorised | None:
    """Winsorise the outliers of some points; None without outliers.

    Args:
        points: the runs.
    """
    is_outlier = _find_outliers(points)
    if not is_outlier.any():
        return None
    named = np.flatnonzero(is_outlier)[:_MAX_NAMED]
    outliers = [f"{points.y[run]:.3g} at {points.x_name} {points.x[run]:g}" for run in named]
    n_more = int(is_outlier.sum()) - len(named)
    more = f" and {n_more:,} more" if n_more else ""
    return Winsorised(
        points=_move_outliers(points, is_outlier),
        note=f"Outliers, far from the other runs of their width: {', '.join(outliers)}{more}.",
    )


def _find_outliers(points: Points) -> Bool[np.ndarray, " runs"]:
    """Return which runs are outliers: an externally studentised deviation, with Bonferroni's correction."""
    n_runs, mean = points.counts[points.width_index], points.means[points.width_index]
    is_tested = (n_runs >= 3) & (mean > 0)
    dof = int(is_tested.sum() - len(np.unique(points.width_index[is_tested])))
    if points.known_std is not None or dof < _MIN_DOF:
        return np.zeros(len(points.y), dtype=bool)
    std = np.sqrt(points.variance_model.variance(np.where(mean > 0, mean, 1)))
    # Without the run itself, the mean of its width is n / (n - 1) times as far away, and this difference has
    # 1 + 1 / (n - 1) times the variance of one run.
    deviation = np.where(is_tested, np.sqrt(n_runs / np.maximum(n_runs - 1, 1)) * points.deviations / std, 0)
    total = float((np.where(is_tested, points.deviations / std, 0) ** 2).sum())
    other_variance = (total - deviation**2) / (dof - 1)
    t = np.abs(deviation) / np.sqrt(np.maximum(other_variance, np.finfo(float).tiny))
    p_value = 2 * stdtr(dof - 1, -t)
    return np.asarray(is_tested & (p_value * is_tested.sum() < _STUDY_ALPHA) & (other_variance > 0))


def _move_outliers(points: Points, is_outlier: Bool[np.ndarray, " runs"]) -> Points:
    """Return the points with the outliers at two standard deviations of the other runs from their mean."""
    others = Points(
        x_name=points.x_name,
        y_name=points.y_name,
        x=points.x[~is_outlier],
        y=points.y[~is_outlier],
        test_images=points.test_images,
    )
    variance: Float[np.ndarray, " widths"] = points.variance_model.variance(others.means)
    # Other runs without any error have no spread: a run beside them is moved to 0.
    has_errors = others.means > 0
    squares = np.bincount(others.width_index, others.deviations**2)[has_errors] / variance[has_errors]
    dispersion = float(squares.sum() / (others.counts - 1)[has_errors].sum())
    width_index = np.searchsorted(others.widths, points.x)
    mean = others.means[width_index]
    limit = mean + np.sign(points.y - mean) * _WINSOR_STDS * np.sqrt(dispersion * variance[width_index])
    return replace(points, y=np.where(is_outlier, limit, points.y), misclassified=None)
