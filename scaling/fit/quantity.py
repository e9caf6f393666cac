"""What of a law with a floor is to be known better: how wide its interval is, and how it follows from the law's parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import inf

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from scaling.errors import FitError, UsageError
from scaling.fit.diagnosis.status import MIN_SPAN, SEEDS, WIDTHS
from scaling.fit.forms import FLOOR
from scaling.fit.result import Fit, Law, Status

TRAIN_FIRST = f"train at least {WIDTHS} sizes over a factor of {MIN_SPAN:g} with {SEEDS} seeds each first"
"""Then there is a law to plan from."""


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """An exponent, whose half width is told as it is, or a floor or a prediction, whose half width is told over the law's error at ``at``."""

    name: str
    """``exponent``, ``floor`` or ``prediction``."""
    at: float
    """The size of a prediction; otherwise the widest."""

    @classmethod
    def parse(cls, text: str, widest: float) -> Quantity:
        """What ``exponent``, ``floor`` or ``prediction@2x``, with any factor, mean.

        Args:
            text: one of these.
            widest: of the study as it is written, so that a target stays where it is while a study grows.

        Raises:
            UsageError: it is none of these.
        """
        if text in ("exponent", "floor"):
            return cls(name=text, at=widest)
        found = re.fullmatch(r"prediction@([0-9]+(?:\.[0-9]+)?)x", text)
        if not found or not 0 < float(found[1]) < inf:
            raise UsageError(
                f"--of {text}: must be exponent, floor, or prediction@2x for the error at twice the widest size"
            )
        return cls(name="prediction", at=float(found[1]) * widest)

    def of(self, parameters: NDArray[np.float64]) -> NDArray[np.float64]:
        """Its value for each row of (A, rho, E)."""
        if self.name == "prediction":
            return FLOOR.evaluate(parameters, np.asarray(self.at))
        return np.asarray(parameters[..., FLOOR.parameters.index(self.name)])

    def gradient(self, law: Law) -> Float[np.ndarray, " parameters"]:
        """By log A, rho and E, in the unit of its half width."""
        alone = np.array([float(self.name == name) for name in FLOOR.parameters])
        slope = curve_gradient(law, np.array([self.at]))[0] if self.name == "prediction" else alone
        return np.asarray(slope / self._unit(law))

    def half_width(self, law: Law) -> float:
        """Of its 95 % interval, resampled as every interval is."""
        interval = law.derived_interval(self.of)
        return (interval.high - interval.low) / 2 / self._unit(law)

    def _unit(self, law: Law) -> float:
        return 1.0 if self.name == "exponent" else float(law.predict(self.at))


def require_floored_law(fit: Fit) -> Law:
    """The law with a floor, if anything can be planned from it.

    Raises:
        FitError: it is missing, refused, or does not fall.
    """
    law = fit.laws.get(FLOOR.name)
    if law is None:
        raise FitError(f"{fit.label}: has no law with a floor to plan from; {TRAIN_FIRST}")
    if law.status is Status.REJECTED:
        raise FitError(f"{fit.label}: its law with a floor is refused ({law.reason}); {TRAIN_FIRST}")
    if law.parameters["exponent"].estimate <= 0:
        raise FitError(
            f"{fit.label}: {fit.points.y_name} does not fall with {fit.points.x_name}, so nothing can be planned from it; {TRAIN_FIRST}"
        )
    return law


def curve_gradient(law: Law, x: Float[np.ndarray, " sizes"]) -> Float[np.ndarray, "sizes parameters"]:
    """Of the curve at some sizes, by log A, rho and E."""
    return FLOOR.internal_jacobian(law.estimates, x)
