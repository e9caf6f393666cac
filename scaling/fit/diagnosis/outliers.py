"""Seeds that lie far from the others of their width: named, kept, and beside them a fit to which they matter less.

Each run is held against the mean of the others of its width, in units of the spread that all others tell (externally studentised deviations,
which follow Student's law for normal noise). One that chance would bring about in less than a thousandth of studies is called far. Far runs
are drawn in to twice the spread (Winsor's way), and the laws are fitted again; which of the two is right, the data can't say.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import stdtr

from scaling.fit.data.points import Points

RARE, NEAR = 1e-3, 2.0
"""How often a study of normal noise has any far run; and to how many standard deviations these are drawn in."""
ENOUGH = 8
"""Degrees of freedom, below which a spread is too rough to call anything far."""


def winsorise(points: Points) -> tuple[Points, str] | None:
    """The points with far runs drawn in, and a sentence that names them; None where no run is far."""
    if points.known_std is not None:
        return None
    runs, mean = points.counts[points.width_index], points.means[points.width_index]
    seen = (runs >= 3) & (mean > 0)
    spare = int(seen.sum() - len(np.unique(points.width_index[seen])))
    if spare < ENOUGH:
        return None
    # Without the run itself, its width's mean is further away by n / (n - 1), of a difference with 1 + 1 / (n - 1) times the variance.
    share = np.sqrt(runs / np.maximum(runs - 1, 1)) * points.deviations
    units = np.where(seen, share / np.sqrt(points.variance_model.variance(np.where(mean > 0, mean, 1))), 0)
    whole = float(
        (
            np.where(seen, points.deviations, 0) ** 2
            / points.variance_model.variance(np.where(mean > 0, mean, 1))
        ).sum()
    )
    rest = (whole - units**2) / (spare - 1)
    far = (
        seen
        & (
            2
            * stdtr(spare - 1, -np.abs(units) / np.sqrt(np.maximum(rest, np.finfo(float).tiny)))
            * seen.sum()
            < RARE
        )
        & (rest > 0)
    )
    if not far.any():
        return None
    named = ", ".join(
        f"{y:.3g} at {points.x_name} {x:g}" for x, y in zip(points.x[far], points.y[far], strict=True)
    )
    return _winsorised(points, far), f"Far from the other runs of their width: {named}."


def _winsorised(points: Points, far: np.ndarray) -> Points:
    """With far runs put at so many standard deviations of the others from the mean of the others."""
    kept = Points(
        x_name=points.x_name,
        y_name=points.y_name,
        x=points.x[~far],
        y=points.y[~far],
        test_images=points.test_images,
    )
    variance = points.variance_model.variance(kept.means)
    pooled = float((kept.deviations**2 / variance[kept.width_index]).sum() / (kept.counts - 1).sum())
    place = np.searchsorted(kept.widths, points.x)
    edge = kept.means[place] + np.sign(points.y - kept.means[place]) * NEAR * np.sqrt(
        pooled * variance[place]
    )
    return replace(points, y=np.where(far, edge, points.y), misclassified=None)
