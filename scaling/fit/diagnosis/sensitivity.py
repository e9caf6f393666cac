"""Sensitivity of a fit: identifiability of the parameters, and leverage of the widths."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from scaling.fit.data.points import Points
from scaling.fit.forms import ParametricForm

_RELATIVE_RANK_TOLERANCE = 1e-7
"""Ratio to the largest singular value below which the curve does not depend on a direction."""


def is_identifiable(form: ParametricForm, points: Points, *, parameters: Float[np.ndarray, " p"]) -> bool:
    """Return True if the quasi-likelihood falls in every direction from its maximum.

    Parameters at their bound do not count.

    Args:
        form: the fitted form.
        points: the runs.
        parameters: estimated parameters, in the order of the form.
    """
    singular_values = np.linalg.svd(_weighted_jacobian(form, points, parameters), compute_uv=False)
    return bool(singular_values[-1] > _RELATIVE_RANK_TOLERANCE * singular_values[0])


def compute_leverage(
    form: ParametricForm, points: Points, *, parameters: Float[np.ndarray, " p"]
) -> Float[np.ndarray, " widths"]:
    """Return the leverage of each width: the diagonal of the hat matrix, from 0 to 1.

    The leverage is the weight of a width's own mean in the fitted curve at this width.

    Args:
        form: the fitted form.
        points: the runs.
        parameters: estimated parameters, in the order of the form.
    """
    basis, singular_values, _ = np.linalg.svd(
        _weighted_jacobian(form, points, parameters), full_matrices=False
    )
    in_range = singular_values > _RELATIVE_RANK_TOLERANCE * singular_values[0]
    return np.asarray((basis[:, in_range] ** 2).sum(axis=1))


def _weighted_jacobian(
    form: ParametricForm, points: Points, parameters: Float[np.ndarray, " p"]
) -> Float[np.ndarray, "widths free"]:
    """Return the derivatives by the free parameters, in units of the standard deviation of each mean."""
    curve = form.evaluate(parameters, points.sizes)
    scale = np.where(parameters != 0, np.abs(parameters), 1)  # each parameter in units of its own value
    jacobian = (form.jacobian(parameters, points.sizes) * scale)[:, ~form.at_bound(parameters)]
    return np.asarray(jacobian * np.sqrt(points.weights / points.variance_model.variance(curve))[:, None])
