"""How far runs of one size scatter: known up to one factor, the dispersion, which is the same for all sizes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scaling.fit.points import Points

COPIES = 1e-20
"""A dispersion below this is the rounding of equal numbers."""
HALF = 0.5
"""Of all test images: where a binomial's variance has its peak."""


def variance(mean: NDArray[np.float64], trials: int | None) -> NDArray[np.float64]:
    """Of one run, at dispersion 1.

    Counts have a binomial's, up to its peak at a half and constant from there: a power law may pass 1 at small sizes, where the
    binomial's is negative. Bare values have a constant relative spread, as log-normal noise has.

    Args:
        mean: the curve.
        trials: test images; None for bare values.
    """
    if trials is None:
        return mean**2
    held = np.minimum(mean, HALF)
    binomial: NDArray[np.float64] = held * (1 - held) / trials
    return binomial


def dispersion(points: Points) -> float | None:
    """What multiplies the variance, pooled over widths; None where no width has replicates.

    Below 1 for counts when networks agree on which images are hard, as they share the test set.
    """
    seen = points.means > 0  # networks without an error say nothing about its scatter
    replicates = freedom(points)
    if not replicates:
        return None
    squares = np.bincount(points.width, points.deviations**2)[seen]
    return float((squares / variance(points.means[seen], points.trials)).sum() / replicates)


def freedom(points: Points) -> int:
    """Degrees of freedom behind the dispersion."""
    return int((points.counts - 1)[points.means > 0].sum())


def dispersion_about(points: Points, curve: NDArray[np.float64], freedom: int) -> float:
    """The same, from how the means lie about a curve; expected to equal the dispersion where the curve is right.

    Args:
        points: the runs.
        curve: [widths].
        freedom: widths less parameters, at least 1.
    """
    return float((points.counts * (points.means - curve) ** 2 / variance(curve, points.trials)).sum() / freedom)
