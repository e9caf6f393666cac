"""Quantities of a law with a floor that further runs can measure better: exponent, floor or a prediction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import inf

import numpy as np
from jaxtyping import Float

from scaling.errors import FitError, UsageError
from scaling.fit.diagnosis.status import MIN_SEEDS, MIN_SPAN, MIN_WIDTHS
from scaling.fit.forms import FLOOR
from scaling.fit.interval import FloatArray
from scaling.fit.result import DrawSet, Fit, Law, Status

TRAIN_FIRST = (
    f"first train at least {MIN_WIDTHS} sizes over a factor of {MIN_SPAN:g} with {MIN_SEEDS} seeds each"
)
"""Hint for a study without a law from which further runs can be planned."""


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """Quantity whose interval is to be narrowed.

    The half width of an exponent is absolute. The half width of a floor or a prediction is relative to the
    error that the law predicts at ``at``.
    """

    name: str
    """``exponent``, ``floor`` or ``prediction``."""
    at: float
    """Size of a prediction; otherwise the widest size."""

    @classmethod
    def parse(cls, text: str, widest: float) -> Quantity:
        """Parse ``exponent``, ``floor``, or a prediction such as ``prediction@2x``.

        Args:
            text: the quantity; the factor of a prediction is a multiple of the widest size.
            widest: widest size of the study as it is written, so that the target stays the same while a study
                grows.

        Raises:
            UsageError: the text is not a quantity.
        """
        if text in ("exponent", "floor"):
            return cls(name=text, at=widest)
        match = re.fullmatch(r"prediction@([0-9]+(?:\.[0-9]+)?)x", text)
        if not match or not 0 < float(match[1]) < inf:
            raise UsageError(
                f"{text}: expected exponent, floor, or prediction@2x for the error at twice the widest size",
                option="quantity",
            )
        return cls(name="prediction", at=float(match[1]) * widest)

    def evaluate(self, draws: DrawSet) -> FloatArray:
        """Return the value of the quantity for each draw."""
        return (
            draws.evaluate(np.asarray(self.at)) if self.name == "prediction" else draws.parameter(self.name)
        )

    def gradient(self, law: Law) -> Float[np.ndarray, " parameters"]:
        """Return the derivatives by log amplitude, exponent and floor, in the unit of the half width.

        Args:
            law: a law with a floor.
        """
        if self.name == "prediction":
            gradient = curve_gradient(law, np.array([self.at]))[0]
        else:
            gradient = np.array([float(name == self.name) for name in FLOOR.parameters])
        return np.asarray(gradient / self._unit(law))

    def half_width(self, law: Law) -> float:
        """Return half the width of the bootstrap interval of the quantity, in its unit.

        Args:
            law: a law with a floor.
        """
        interval = law.derived_interval(self.evaluate)
        return (interval.high - interval.low) / 2 / self._unit(law)

    def _unit(self, law: Law) -> float:
        return 1.0 if self.name == "exponent" else float(law.predict(self.at))


def require_floored_law(fit: Fit) -> Law:
    """Return the law with a floor if further runs can be planned from it.

    Args:
        fit: laws of one group.

    Raises:
        FitError: the law is missing or rejected, or the error does not fall.
    """
    law = fit.laws.get(FLOOR.name)
    if law is None:
        raise FitError(f"{fit.label}: has no law with a floor to plan from; {TRAIN_FIRST}")
    if law.status is Status.REJECTED:
        raise FitError(f"{fit.label}: its law with a floor is rejected ({law.reason}); {TRAIN_FIRST}")
    if law.parameters["exponent"].estimate <= 0:
        raise FitError(
            f"{fit.label}: {fit.points.y_name} does not fall with {fit.points.x_name}, so no runs can be "
            f"planned; {TRAIN_FIRST}"
        )
    return law


def curve_gradient(law: Law, x: Float[np.ndarray, " sizes"]) -> Float[np.ndarray, "sizes parameters"]:
    """Return the derivatives of the curve by log amplitude, exponent and floor.

    Args:
        law: a law with a floor.
        x: sizes.
    """
    return FLOOR.internal_jacobian(law.estimates, x)
