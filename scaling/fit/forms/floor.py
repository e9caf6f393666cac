"""A x^-rho + E: a power law above a floor.

Legend: A is ``amplitude``, rho is ``exponent``, E is ``floor``, at least 0.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scaling.fit.forms.base import FloatArray, Form
from scaling.fit.forms.power import power_law_inverse


class FloorForm(Form):
    """A power law with a floor: the error falls to a value above 0 that no size reaches."""

    name = "floor"
    parameters = ("amplitude", "exponent", "floor")
    formula = "A x^-rho + E"
    lower_bounds: ClassVar = {"floor": 0.0}

    def evaluate(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        return np.asarray(parameters[..., 0] * x ** -parameters[..., 1] + parameters[..., 2])

    def jacobian(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        power = x ** -parameters[..., 1]
        return np.stack(
            np.broadcast_arrays(power, -parameters[..., 0] * np.log(x) * power, np.ones_like(power)), axis=-1
        )

    def inverse(self, parameters: FloatArray, value: float) -> FloatArray:
        return power_law_inverse(parameters[..., 0], parameters[..., 1], value - parameters[..., 2])
