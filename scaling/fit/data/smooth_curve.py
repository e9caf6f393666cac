"""Smooth curves and surfaces of log y in log x, which depend on no form: polynomials."""

from __future__ import annotations

from itertools import product

import numpy as np
from jaxtyping import Float

MIN_WIDTHS_FOR_SMOOTH = 8
"""Number of sizes below which no smooth curve is fitted."""

_MAX_DEGREE = 6
"""Largest degree of the smooth curve."""
_SURFACE_DEGREE = 3
_MIN_SURFACE_DOF = 6
"""Residual degrees of freedom below which no smooth surface of two sizes is fitted."""


def smooth_degree(n_widths: int) -> int:
    """Return the degree of the curve of one size: a cubic with eight widths, one more for each further eight.

    Args:
        n_widths: number of widths, at least eight.
    """
    return min(3 + (n_widths - MIN_WIDTHS_FOR_SMOOTH) // 8, _MAX_DEGREE)


def smooth_terms(
    log_sizes: Float[np.ndarray, "rows sizes"], n_sizes: int
) -> Float[np.ndarray, "rows terms"] | None:
    """Return the powers of the logarithms whose combinations are the smooth curves; None with too few sizes.

    Args:
        log_sizes: logarithms of one size, or of two.
        n_sizes: number of distinct sizes.
    """
    is_surface = log_sizes.shape[1] > 1
    if not is_surface and n_sizes < MIN_WIDTHS_FOR_SMOOTH:
        return None
    degree = _SURFACE_DEGREE if is_surface else smooth_degree(n_sizes)
    powers = [p for p in product(range(degree + 1), repeat=log_sizes.shape[1]) if sum(p) <= degree]
    if is_surface and n_sizes - len(powers) < _MIN_SURFACE_DOF:
        return None
    centred = log_sizes - log_sizes.mean(axis=0)
    scaled = centred / np.maximum(np.abs(centred).max(axis=0), np.finfo(float).tiny)
    return np.stack([(scaled**power).prod(axis=1) for power in powers], axis=1)
