"""E + A N^-alpha + B D^-beta: the joint law of two sizes, such as parameters and training images.

Source: Hoffmann, Borgeaud, Mensch et al., Training compute-optimal large language models (2022), arXiv
2203.15556, equation 2.
Legend: A is ``amplitude_n``, alpha is ``exponent_n``, B is ``amplitude_d``, beta is ``exponent_d``, E is
``floor``, at least 0. N is the first column of the sizes, D the second one.

Set here: exponents between -8 and 8, as in the laws of one size.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from scaling.fit.forms.base import MAX_EXPONENT, FloatArray, ParametricForm


class JointPowerForm(ParametricForm):
    """The sum of two power laws, one of each size; sizes have the shape [..., 2]."""

    name = "joint_power"
    parameters: ClassVar[tuple[str, ...]] = ("amplitude_n", "exponent_n", "amplitude_d", "exponent_d")
    formula = "A N^-alpha + B D^-beta"
    log_parameters = ("amplitude_n", "amplitude_d")
    search_bounds: ClassVar = {
        "exponent_n": (-MAX_EXPONENT, MAX_EXPONENT),
        "exponent_d": (-MAX_EXPONENT, MAX_EXPONENT),
        "floor": (0.0, np.inf),
    }

    def evaluate(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        terms = [parameters[..., 2 * i] * x[..., i] ** -parameters[..., 2 * i + 1] for i in range(2)]
        return np.asarray(terms[0] + terms[1])

    def jacobian(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        powers = [x[..., i] ** -parameters[..., 2 * i + 1] for i in range(2)]
        columns = [
            column
            for i, power in enumerate(powers)
            for column in (power, -parameters[..., 2 * i] * np.log(x[..., i]) * power)
        ]
        return np.stack(np.broadcast_arrays(*columns), axis=-1)

    def scale_sizes(self, parameters: FloatArray, scale: FloatArray) -> FloatArray:
        """Return the parameters for sizes that are multiplied by a number each; the curve is the same.

        Args:
            parameters: parameters, [..., p].
            scale: factor of each column, [2].
        """
        scaled = parameters.copy()
        for i in range(2):
            scaled[..., 2 * i] *= scale[i] ** parameters[..., 2 * i + 1]
        return scaled


class JointForm(JointPowerForm):
    """The sum of two power laws and a floor."""

    name = "joint"
    parameters = (*JointPowerForm.parameters, "floor")
    formula = "E + A N^-alpha + B D^-beta"
    lower_bounds: ClassVar = {"floor": 0.0}

    def evaluate(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        return np.asarray(super().evaluate(parameters, x) + parameters[..., 4])

    def jacobian(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        slopes = super().jacobian(parameters, x)
        return np.concatenate([slopes, np.ones_like(slopes[..., :1])], axis=-1)


JOINT, JOINT_POWER = JointForm(), JointPowerForm()
