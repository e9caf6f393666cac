"""What a form of a law is: names, a formula, and how its curve moves with its parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Form(ABC):
    """How an error may fall with size.

    Parameters stand in the last axis, in the order of their names; sizes broadcast against all axes before it. So [draws, 1, p] with [k]
    sizes gives [draws, k].
    """

    name: ClassVar[str]
    parameters: ClassVar[tuple[str, ...]]
    formula: ClassVar[str]
    positive: ClassVar[tuple[str, ...]] = ("amplitude",)
    """Parameters that are searched by their logarithm."""

    def __repr__(self) -> str:
        return self.name

    @property
    def has_floor(self) -> bool:
        return "floor" in self.parameters

    @abstractmethod
    def evaluate(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        """The curve at sizes above 0."""

    @abstractmethod
    def jacobian(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        """[..., p]: by how much the curve moves with each parameter."""

    @abstractmethod
    def size(self, parameters: FloatArray, value: float) -> FloatArray:
        """Where the curve comes down to a value above 0; infinite where it never does."""
