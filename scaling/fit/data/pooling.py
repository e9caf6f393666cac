"""Pooling of neighbouring sizes, for tables in which nearly every row has its own size.

The time and the memory of a fit grow with the number of distinct sizes times the number of resamplings. Sizes
that lie closer together than a thousandth of their range, in logarithms, say nothing about the form of a law
that their mean does not say, so they count as one size with several runs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MAX_SIZES = 1000
"""Largest number of sizes that are fitted."""


def pool_sizes(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the geometric mean of the neighbouring sizes in place of each size; few sizes stay as they are.

    Args:
        x: sizes above 0: [runs].
    """
    if len(np.unique(x)) <= MAX_SIZES:
        return x
    log_x = np.log(x)
    low, high = log_x.min(), log_x.max()
    interval = np.minimum((log_x - low) / (high - low) * MAX_SIZES, MAX_SIZES - 1).astype(np.intp)
    counts = np.bincount(interval)
    means = np.bincount(interval, log_x) / np.maximum(counts, 1)
    return np.asarray(np.exp(means[interval]))
