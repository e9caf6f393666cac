"""Precision that a study is to reach."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from scaling.errors import UsageError

DEFAULT_QUANTITY = "prediction@2x"
"""Quantity whose interval counts, if none is given."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """Precision that every curve of a study is to reach.

    Raises:
        UsageError: the half width is not positive, or the quantity is unknown.
    """

    half_width: float
    """Half width of the 95 % interval.

    Absolute for an exponent, and otherwise relative to the predicted error, so that 0.02 is 2 %.
    """
    quantity: str = DEFAULT_QUANTITY
    """Quantity to estimate: ``exponent``, ``floor``, or a prediction.

    ``prediction@2x`` is the error at twice the widest network of the study as written. Any factor will do.
    """
    budget_s: float = inf
    """Core time in seconds for all runs that the study as written does not contain."""

    def __post_init__(self) -> None:
        from scaling.fit import Quantity

        Quantity.parse(self.quantity, 1.0)
        if not 0 < self.half_width < inf:
            raise UsageError(f"{self.half_width:g}: expected a number > 0, such as 0.02", option="half_width")
