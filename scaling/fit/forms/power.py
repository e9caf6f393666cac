"""A x^-rho: the power law.

Legend: A is ``amplitude``, rho is ``exponent``; x is the size, such as the number of filters.
"""

from __future__ import annotations

import numpy as np

from scaling.fit.forms.base import FloatArray, Form


class PowerForm(Form):
    """A power law: the error falls to zero, along a straight line in logarithms."""

    name = "power"
    parameters = ("amplitude", "exponent")
    formula = "A x^-rho"

    def evaluate(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        return np.asarray(parameters[..., 0] * x ** -parameters[..., 1])

    def jacobian(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        power = x ** -parameters[..., 1]
        return np.stack(np.broadcast_arrays(power, -parameters[..., 0] * np.log(x) * power), axis=-1)

    def inverse(self, parameters: FloatArray, value: float) -> FloatArray:
        return power_law_inverse(
            parameters[..., 0], parameters[..., 1], np.full(parameters.shape[:-1], value)
        )


def power_law_inverse(amplitude: FloatArray, exponent: FloatArray, value: FloatArray) -> FloatArray:
    """Return the size at which a power law falls to a value.

    The size is infinite if the power law is flat or rises, or if the value is not above 0.
    """
    falls = (exponent > 0) & (value > 0)
    ratio = np.divide(amplitude, value, out=np.ones_like(amplitude), where=falls)
    with np.errstate(over="ignore"):
        return np.where(
            falls, ratio ** np.divide(1, exponent, out=np.ones_like(exponent), where=falls), np.inf
        )
