"""Variance models: how far single runs of one width scatter about the curve, up to one common factor, the
dispersion.

A quasi-likelihood needs the variance function V alone. For one run with value y and a curve mu, it is the
integral of (y - t) / V(t) over t up to mu (Wedderburn 1974). For error counts below one half, this is the
log-likelihood of the binomial; for bare values, that of the gamma distribution.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

ZERO_DISPERSION = 1e-20
"""Dispersion below which values differ only by rounding, so that the runs are copies of each other."""
KNOWN_DOF = 1_000_000
"""Degrees of freedom of a dispersion that is known rather than estimated."""

_BINOMIAL_PEAK = 0.5
"""Error fraction at which the variance of a binomial is largest."""

FloatArray = NDArray[np.float64]


class DispersionSource(StrEnum):
    """Statistic from which a dispersion is estimated."""

    RUNS = "the differences between runs of one size"
    ORDERS = "the differences between orders of minibatches"
    SEEDS = "the differences between seeds, which deviate alike at several sizes"
    CURVE = "the residuals of the means about the law"
    KNOWN = "the known standard deviations"


@dataclass(frozen=True, kw_only=True)
class Dispersion:
    """Variance of the means, as a multiple of the variance that the variance model gives them."""

    value: float
    dof: int
    """Degrees of freedom of the estimate."""
    source: DispersionSource
    inflation: float = 1.0
    """Standard deviation of the means, divided by the one that the spread of the runs alone implies."""

    def to_dict(self) -> dict[str, Any]:
        """Return the record as JSON values."""
        return {**asdict(self), "source": self.source.value}


class VarianceModel(ABC):
    """Variance and quasi-log-likelihood of one run, at dispersion 1."""

    @abstractmethod
    def variance(self, curve: FloatArray) -> FloatArray:
        """Return the variance of one run whose mean is ``curve``, above 0."""

    @abstractmethod
    def quasi_loglik(self, y: FloatArray, curve: FloatArray) -> FloatArray:
        """Return the quasi-log-likelihood of ``curve``, up to a term that is the same for all curves."""

    @abstractmethod
    def loglik_gain(self, y: FloatArray, curve: FloatArray, reference: FloatArray) -> FloatArray:
        """Return the quasi-log-likelihood of ``curve`` minus that of a curve that may be very close."""


@dataclass(frozen=True)
class BinomialVariance(VarianceModel):
    """Variance of an error fraction on a number of images: binomial up to its peak at 1/2, constant above.

    A power law may exceed 1 at small sizes, where a binomial has no variance.
    """

    images: int

    def variance(self, curve: FloatArray) -> FloatArray:
        capped = np.minimum(curve, _BINOMIAL_PEAK)
        return np.asarray(capped * (1 - capped) / self.images)

    def quasi_loglik(self, y: FloatArray, curve: FloatArray) -> FloatArray:
        low = np.minimum(curve, _BINOMIAL_PEAK)
        below_peak = y * np.log(low) + (1 - y) * np.log1p(-low)
        above_peak = 2 * ((y - low) ** 2 - (y - curve) ** 2)  # the integral at a constant variance
        return np.asarray(self.images * (below_peak + above_peak))

    def loglik_gain(self, y: FloatArray, curve: FloatArray, reference: FloatArray) -> FloatArray:
        low, low_reference = np.minimum(curve, _BINOMIAL_PEAK), np.minimum(reference, _BINOMIAL_PEAK)
        change = low - low_reference
        below_peak = y * np.log1p(change / low_reference) + (1 - y) * np.log1p(-change / (1 - low_reference))
        above_peak = 2 * (_fall_of_squares(y, curve, reference) - _fall_of_squares(y, low, low_reference))
        return np.asarray(self.images * (below_peak + above_peak))


@dataclass(frozen=True)
class ConstantCV(VarianceModel):
    """Variance of a bare value with a constant coefficient of variation, as log-normal noise has."""

    def variance(self, curve: FloatArray) -> FloatArray:
        return np.asarray(curve**2)

    def quasi_loglik(self, y: FloatArray, curve: FloatArray) -> FloatArray:
        return np.asarray(-(y / curve + np.log(curve)))

    def loglik_gain(self, y: FloatArray, curve: FloatArray, reference: FloatArray) -> FloatArray:
        change = (curve - reference) / reference
        return np.asarray(y / curve * change - np.log1p(change))


@dataclass(frozen=True)
class KnownVariance(VarianceModel):
    """Unit variance, for values whose standard deviations are known and enter as weights."""

    def variance(self, curve: FloatArray) -> FloatArray:
        return np.ones_like(curve)

    def quasi_loglik(self, y: FloatArray, curve: FloatArray) -> FloatArray:
        return np.asarray(-((y - curve) ** 2) / 2)

    def loglik_gain(self, y: FloatArray, curve: FloatArray, reference: FloatArray) -> FloatArray:
        return _fall_of_squares(y, curve, reference) / 2


def _fall_of_squares(y: FloatArray, curve: FloatArray, reference: FloatArray) -> FloatArray:
    """Return the squared distance of y from ``reference`` minus that from ``curve``."""
    return np.asarray((curve - reference) * (2 * y - curve - reference))
