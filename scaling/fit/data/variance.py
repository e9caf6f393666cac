"""How far runs of one size scatter about the curve: known up to one factor, the dispersion, which is the same for all sizes.

A quasi-likelihood follows from the variance V alone: of one run with value y under a curve mu it is the integral of (y - t) / V(t) up to mu
(Wedderburn 1974). For counts below one half that is the binomial's log-likelihood, for bare values the gamma's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HALF = 0.5
"""Of all test images: where a binomial's variance has its peak."""

Numbers = NDArray[np.float64]


class VarianceModel(ABC):
    """Variance and quasi-log-likelihood of one run, at dispersion 1."""

    @abstractmethod
    def variance(self, curve: Numbers) -> Numbers:
        """At a mean above 0."""

    @abstractmethod
    def support(self, y: Numbers, curve: Numbers) -> Numbers:
        """The quasi-log-likelihood, up to a term that is the same for all curves."""


@dataclass(frozen=True)
class BinomialVariance(VarianceModel):
    """Fractions of images: a binomial's variance up to its peak at a half, and constant from there.

    A power law may pass 1 at small sizes, where a binomial has no variance.
    """

    images: int

    def variance(self, curve: Numbers) -> Numbers:
        held = np.minimum(curve, HALF)
        return np.asarray(held * (1 - held) / self.images)

    def support(self, y: Numbers, curve: Numbers) -> Numbers:
        low = np.minimum(curve, HALF)
        inside = y * np.log(low) + (1 - y) * np.log1p(-low)
        beyond = 2 * ((y - low) ** 2 - (y - curve) ** 2)  # the integral at a constant variance
        return np.asarray(self.images * (inside + beyond))


@dataclass(frozen=True)
class ConstantCV(VarianceModel):
    """Bare values: a constant relative spread, as log-normal noise has."""

    def variance(self, curve: Numbers) -> Numbers:
        return np.asarray(curve**2)

    def support(self, y: Numbers, curve: Numbers) -> Numbers:
        return np.asarray(-(y / curve + np.log(curve)))


@dataclass(frozen=True)
class KnownVariance(VarianceModel):
    """Standard deviations that somebody states; they weigh the points and leave nothing to be estimated."""

    def variance(self, curve: Numbers) -> Numbers:
        return np.ones_like(curve)

    def support(self, y: Numbers, curve: Numbers) -> Numbers:
        return np.asarray(-((y - curve) ** 2) / 2)
