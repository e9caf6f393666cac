"""How an error may fall with size. A form is data: names, a formula, and whether a floor is under it.

Legend: A is ``amplitude``, rho ``exponent``, E ``floor``; x is the size, such as filters.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Form:
    """One form of a law."""

    name: str
    parameters: tuple[str, ...]
    formula: str

    @property
    def floored(self) -> bool:
        return "floor" in self.parameters

    def evaluate(self, parameters: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
        """The curve at ``x``.

        Args:
            parameters: [..., p], in the order of the form's names; [draws, 1, p] with [k] sizes gives [draws, k].
            x: above 0; broadcast against all axes of the parameters but the last.
        """
        curve = parameters[..., 0] * x ** -parameters[..., 1]
        return np.asarray(curve + parameters[..., 2] if self.floored else curve)


POWER = Form("power", ("amplitude", "exponent"), "A x^-rho")
FLOOR = Form("floor", ("amplitude", "exponent", "floor"), "A x^-rho + E")

FORMS = {form.name: form for form in (POWER, FLOOR)}
"""By name, the simpler one first."""
