"""How the maximum looks from close by: whether it is one in every direction, and what single sizes weigh in it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from scaling.fit.data.points import Points
from scaling.fit.forms import Form

FLAT = 1e-7
"""Of the largest singular value: a direction in which nothing changes, in doubles."""


def is_identifiable(form: Form, points: Points, parameters: Float[np.ndarray, " p"]) -> bool:
    """Whether the quasi-likelihood falls in every direction from the maximum, in parameters that are not at a bound."""
    values = np.linalg.svd(_weighted(form, points, parameters), compute_uv=False)
    return bool(values[-1] > FLAT * values[0])


def compute_leverage(
    form: Form, points: Points, parameters: Float[np.ndarray, " p"]
) -> Float[np.ndarray, " widths"]:
    """The diagonal of the hat matrix: the share of its own mean in the curve at each size, from 0 to 1."""
    basis, values, _ = np.linalg.svd(_weighted(form, points, parameters), full_matrices=False)
    return np.asarray((basis[:, values > FLAT * values[0]] ** 2).sum(axis=1))


def _weighted(
    form: Form, points: Points, parameters: Float[np.ndarray, " p"]
) -> Float[np.ndarray, "widths free"]:
    curve = form.evaluate(parameters, points.widths)
    scale = np.where(parameters != 0, np.abs(parameters), 1)  # each parameter in units of itself
    free = ~form.at_bound(parameters)
    moves = form.jacobian(parameters, points.widths) * scale
    return np.asarray(
        moves[:, free] * np.sqrt(points.weights / points.variance_model.variance(curve))[:, None]
    )
