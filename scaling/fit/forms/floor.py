"""A x^-rho + E: a power law above a floor. Legend: A is ``amplitude``, rho ``exponent``, E ``floor``, at least 0."""

from __future__ import annotations

import numpy as np

from scaling.fit.forms.base import FloatArray, Form
from scaling.fit.forms.power import power_law_inverse


class FloorForm(Form):
    """An error that falls to what no size gets below."""

    name = "floor"
    parameters = ("amplitude", "exponent", "floor")
    formula = "A x^-rho + E"

    def evaluate(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        return np.asarray(parameters[..., 0] * x ** -parameters[..., 1] + parameters[..., 2])

    def jacobian(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        power = x ** -parameters[..., 1]
        return np.stack(
            np.broadcast_arrays(power, -parameters[..., 0] * np.log(x) * power, np.ones_like(power)), axis=-1
        )

    def size(self, parameters: FloatArray, value: float) -> FloatArray:
        return power_law_inverse(parameters[..., 0], parameters[..., 1], value - parameters[..., 2])
