"""Change of the local exponent over the measured sizes: how far a curve can be from a power law.

The local exponent is minus the slope of log y in log x. A power law has the same exponent everywhere. A
parabola in logarithms is the simplest curve that bends either way; its slope changes by 2 c L over sizes that
span L in log x. Not finding a change does not exclude one, so the upper limit of the change counts.
"""

from __future__ import annotations

from math import inf

import numpy as np
from scipy.special import stdtrit

from scaling.fit.data.dispersion import dispersion_about, fit_log_polynomial
from scaling.fit.data.points import Points
from scaling.fit.data.variance import ZERO_DISPERSION, Dispersion

_ONE_SIDED_LEVEL = 0.95
_MIN_WIDTHS = 4


def limit_exponent_drift(points: Points, noise: Dispersion) -> float | None:
    """Return the upper 95 % limit of the change of the local exponent, relative to the exponent.

    Args:
        points: the runs; no mean is 0.
        noise: dispersion of the means without a law. A larger dispersion about the parabola replaces it.

    Returns:
        The limit; None with fewer than four widths or without scatter.
    """
    n_widths = len(points.widths)
    if n_widths < _MIN_WIDTHS:
        return None
    log_x = np.log(points.widths)
    parabola = fit_log_polynomial(points, 2)
    # NumPy leaves out coefficients of exactly 0 at the end. The means of a simulated study lie exactly on its
    # power law if its resampled seeds are a permutation of all seeds.
    coefficients = parabola.convert().coef
    _, slope, bend = map(float, np.pad(coefficients, (0, 3 - len(coefficients))))
    residual_dof = n_widths - 3
    about = dispersion_about(points, np.exp(parabola(log_x)), residual_dof)
    value, dof = max((noise.value, noise.dof), (about, residual_dof))
    if value < ZERO_DISPERSION:
        return None
    variance = value * points.variance_model.variance(points.means) / points.weights / points.means**2
    design = np.vander(log_x - log_x.mean(), 3) / np.sqrt(variance)[:, None]
    std_error = float(np.sqrt(np.linalg.inv(design.T @ design)[0, 0]))
    largest_bend = abs(bend) + float(stdtrit(dof, _ONE_SIDED_LEVEL)) * std_error
    exponent = abs(slope + 2 * bend * float(log_x.mean()))
    return 2 * largest_bend * float(log_x[-1] - log_x[0]) / exponent if exponent else inf
