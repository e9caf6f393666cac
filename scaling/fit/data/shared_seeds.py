"""Seeds that are crossed with widths: runs of one seed at several widths may deviate alike.

Networks of one seed can share their initial weights, up to a scale, and tables from elsewhere may hold one
data sample for each seed. If the deviations of a seed rise or fall together, or change along x together, the
exponents of seeds scatter more than independent runs of the same spread would let them. Two contrasts of the
deviations show this: their mean over widths and their slope in log x (with two sizes, the slope in each), in
units of relative deviations. If the variance of one of them over seeds exceeds that of the remaining
deviations, by F tests, whole seeds are resampled.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import fdtri

from scaling.fit.data.points import DOUBTED_P, Points

_MIN_SEEDS = 3
_MIN_WIDTHS = 4
_ALARMS = 2
"""Number of seeds, divided by the number of all seeds, is the level of the F tests of a few seeds.

Few seeds have little power against shared deviations, whose omission costs coverage, and a false alarm widens
an interval by little."""


def crossed_deviations(points: Points) -> Float[np.ndarray, "seeds widths"] | None:
    """Return the deviation of each seed at each width; None unless every seed has one run at every width.

    Args:
        points: the runs.
    """
    if points.seed is None or points.known_std is not None:
        return None
    seeds, index = np.unique(points.seed, return_inverse=True)
    n_seeds, n_widths = len(seeds), len(points.widths)
    if len(points.y) != n_seeds * n_widths or n_seeds < _MIN_SEEDS or n_widths < _MIN_WIDTHS:
        return None
    deviations = np.full((n_seeds, n_widths), np.nan)
    deviations[index, points.width_index] = points.deviations
    return None if np.isnan(deviations).any() else deviations


def has_shared_seeds(points: Points) -> bool:
    """Return whether the runs of one seed deviate alike, by more than chance explains.

    Args:
        points: the runs.
    """
    deviations = crossed_deviations(points)
    if deviations is None or not points.means.all():
        return False
    std = np.sqrt(points.variance_model.variance(points.means))
    relative = points.means / std
    slopes = relative[:, None] * (points.log_sizes - points.log_sizes.mean(axis=0))
    contrasts, _ = np.linalg.qr(np.column_stack([relative, slopes]))
    scaled = deviations / std
    squares = ((scaled @ contrasts) ** 2).sum(axis=0)
    n_seeds, n_widths = deviations.shape
    dof, other_dof = n_seeds - 1, (n_seeds - 1) * (n_widths - len(squares))
    others = ((scaled**2).sum() - squares.sum()) / other_dof
    level = max(DOUBTED_P, _ALARMS / n_seeds)
    return bool((squares / dof > others * fdtri(dof, other_dof, 1 - level / len(squares))).any())
