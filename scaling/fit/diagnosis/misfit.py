"""Misfit of a curve: an F test of the residuals of the means against a dispersion that depends on no form."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.special import fdtrc

from scaling.fit.data.dispersion import dispersion_about
from scaling.fit.data.points import Points
from scaling.fit.data.variance import Dispersion


def misfit_p(
    points: Points, curve: Float[np.ndarray, " widths"], noise: Dispersion, *, n_parameters: int
) -> float | None:
    """Return the p-value of the F test of the residuals about a curve; None if it is undefined.

    Args:
        points: the runs.
        curve: value of the curve at each width.
        noise: dispersion of the means without a form.
        n_parameters: number of fitted parameters of the curve.
    """
    dof = len(points.widths) - n_parameters
    if dof < 1:
        return None
    squares = dof * dispersion_about(points, curve, dof)
    if points.replicate_dispersion is None and dof > noise.dof:
        # The residuals contain those of the smooth curve, from which the dispersion is estimated.
        squares, dof = squares - noise.dof * noise.value, dof - noise.dof
    return float(fdtrc(dof, noise.dof, squares / dof / noise.value)) if squares > 0 else 1.0
