"""The quasi-likelihood that a law maximises: known up to the dispersion, which divides it.

Of one run with value y under a curve mu it is the integral of (y - t) / V(t) up to mu (Wedderburn 1974), with V from ``scaling.fit.noise``.
For counts below one half that is the binomial's log-likelihood, for bare values the gamma's.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from scaling.fit.noise import HALF
from scaling.fit.points import Points


def support(points: Points, curve: Float[np.ndarray, " widths"]) -> float:
    """The quasi-log-likelihood of a curve at dispersion 1, up to a term that is the same for all curves."""
    y, n = points.means, points.counts
    if points.trials is None:
        return float(-(n * (y / curve + np.log(curve))).sum())
    low = np.minimum(curve, HALF)
    inside = y * np.log(low) + (1 - y) * np.log1p(-low)
    # Beyond a half the variance stays what it was there, and the integral is a parabola.
    beyond = 2 * ((y - low) ** 2 - (y - curve) ** 2)
    return float(points.trials * (n * (inside + beyond)).sum())
