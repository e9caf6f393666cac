"""Forms of a scaling law: names, formula, curve, derivatives, and the ranges of the parameters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

MAX_EXPONENT = 8.0
"""Exponents are searched between minus and plus this value; measured exponents are below 2."""

_MAX_LOG = 200.0
"""Logarithms of parameters are searched between minus and plus this value."""

FloatArray = NDArray[np.float64]


class ParametricForm(ABC):
    """A formula for the error as a function of size, or of two sizes.

    The last axis of an array of parameters has the parameters, in the order of their names. Sizes broadcast
    against all axes before it: parameters [draws, 1, p] and sizes [k] give curves [draws, k].
    """

    name: ClassVar[str]
    """Name in options and output, such as ``power``."""
    parameters: ClassVar[tuple[str, ...]]
    """Names of the parameters."""
    formula: ClassVar[str]
    """Formula in text, such as ``A x^-rho``."""
    log_parameters: ClassVar[tuple[str, ...]] = ("amplitude",)
    """Names of the positive parameters, which are searched by their logarithm."""
    lower_bounds: ClassVar[Mapping[str, float]] = MappingProxyType({})
    """Lower bounds of other parameters, by name. At its bound, the form has one parameter less."""
    search_bounds: ClassVar[Mapping[str, tuple[float, float]]] = MappingProxyType({})
    """Lowest and highest value that an iterative search tries, by parameter; none for parameters without an
    entry."""

    def __repr__(self) -> str:
        return self.name

    @property
    def has_floor(self) -> bool:
        """True if the curve ends at a floor."""
        return "floor" in self.parameters

    @property
    def is_log(self) -> NDArray[np.bool_]:
        """Mask of the parameters that are searched by their logarithm: [p]."""
        return np.array([name in self.log_parameters for name in self.parameters])

    def to_internal(self, parameters: FloatArray) -> FloatArray:
        """Return the parameters as an optimiser searches them: the positive ones as logarithms."""
        with np.errstate(divide="ignore"):  # the logarithm of an amplitude of 0 is minus infinity
            return np.where(self.is_log, np.log(np.where(self.is_log, parameters, 1)), parameters)

    def from_internal(self, internal: FloatArray) -> FloatArray:
        """Return the parameters from their internal values; the inverse of ``to_internal``."""
        return np.where(self.is_log, np.exp(np.where(self.is_log, internal, 0)), internal)

    def internal_jacobian(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        """Return the derivatives of the curve by the internal parameters: [..., p]."""
        return self.jacobian(parameters, x) * np.where(self.is_log, parameters, 1)

    def internal_bounds(self, means: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the lowest and the highest internal values that an iterative search tries: [p] each.

        Args:
            means: all means that the form is fitted to.
        """
        bounds = np.array([self.search_bounds.get(name, (-np.inf, np.inf)) for name in self.parameters])
        return np.where(self.is_log, -_MAX_LOG, bounds[:, 0]), np.where(self.is_log, _MAX_LOG, bounds[:, 1])

    def at_bound(self, parameters: FloatArray) -> NDArray[np.bool_]:
        """Return which parameters are at their lower bound: [..., p]."""
        return parameters <= [self.lower_bounds.get(name, -np.inf) for name in self.parameters]

    @abstractmethod
    def evaluate(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        """Return the curve at sizes above 0."""

    @abstractmethod
    def jacobian(self, parameters: FloatArray, x: FloatArray) -> FloatArray:
        """Return the derivatives of the curve by the parameters: [..., p]."""


class Form(ParametricForm):
    """A formula for the error as a function of one size."""

    @abstractmethod
    def inverse(self, parameters: FloatArray, value: float) -> FloatArray:
        """Return the size at which the curve falls to a value above 0; infinite if it never does."""


class NonlinearForm(Form):
    """A form that is not linear in all parameters but the exponent, so that an iterative search fits it."""

    @abstractmethod
    def starting_points(
        self, x: FloatArray, means: FloatArray, weights: FloatArray, floor_fit: FloatArray
    ) -> FloatArray:
        """Return the parameters from which the search starts: [starts, rows, p].

        Args:
            x: sizes, [widths].
            means: means at each size, [rows, widths].
            weights: weight of each mean, [rows, widths].
            floor_fit: amplitude, exponent and floor of a power law with a floor, [rows, 3].
        """
