"""The points that a law is fitted to: one number a run, at the size of its network."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from scaling.errors import TableError
from scaling.fit.data.variance import BinomialVariance, ConstantCV, KnownVariance, VarianceModel


@dataclass(frozen=True, kw_only=True, eq=False)
class Points:
    """Runs of one group, in any order.

    Raises:
        TableError: a value that no law of this kind can pass through.
    """

    x_name: str
    y_name: str
    x: NDArray[np.float64]
    """[runs], above 0."""
    y: NDArray[np.float64]
    """[runs], at least 0."""
    trials: int | None
    """Test images, where y is the fraction of them that a network errs on; None for bare values."""
    wrong: NDArray[np.bool_] | None = None
    """[runs, images]: which images each run errs on, where the images count as a sample too; None where the test set is taken as given."""
    order: NDArray[np.int64] | None = None
    """[runs]: whose minibatches came in which order; None where nothing tells."""
    stated: NDArray[np.float64] | None = None
    """[runs]: standard deviations of y that somebody states, above 0; None where the scatter is estimated."""

    def __post_init__(self) -> None:
        for name, values, unfit in ((self.x_name, self.x, self.x <= 0), (self.y_name, self.y, self.y < 0)):
            wrong = values[unfit | ~np.isfinite(values)]
            if wrong.size:
                least = "above 0" if name == self.x_name else "at least 0"
                raise TableError(
                    f"{name}: holds {wrong[0]:g}, but a law needs finite values {least}; correct or remove such rows"
                )
        if self.trials is not None and (self.y > 1).any():
            raise TableError(
                f"{self.y_name}: holds {self.y.max():g}, but an error is a fraction of the test images; divide percentages by 100"
            )

    @property
    def noise(self) -> VarianceModel:
        """How one run scatters, up to the dispersion."""
        if self.stated is not None:
            return KnownVariance()
        return ConstantCV() if self.trials is None else BinomialVariance(self.trials)

    @cached_property
    def widths(self) -> NDArray[np.float64]:
        """[widths], ascending."""
        return np.unique(self.x)

    @cached_property
    def width(self) -> NDArray[np.intp]:
        """[runs]: the place of each run's x among the widths."""
        return np.searchsorted(self.widths, self.x)

    @cached_property
    def counts(self) -> NDArray[np.intp]:
        """[widths], runs."""
        return np.bincount(self.width, minlength=len(self.widths))

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """[widths]: the noise's variance over a mean's, at dispersion 1; as many as there are runs, where these are alike."""
        return np.asarray(np.bincount(self.width, self._precision, minlength=len(self.widths)), dtype=float)

    @cached_property
    def means(self) -> NDArray[np.float64]:
        """[widths]; runs with a stated standard deviation count by its inverse square."""
        return np.bincount(self.width, self._precision * self.y, minlength=len(self.widths)) / self.weights

    @cached_property
    def _precision(self) -> NDArray[np.float64]:
        return np.ones(len(self.y)) if self.stated is None else self.stated**-2.0

    @cached_property
    def deviations(self) -> NDArray[np.float64]:
        """[runs]: of each run from the mean of its width."""
        return self.y - self.means[self.width]

    @cached_property
    def std(self) -> NDArray[np.float64]:
        """[widths], sample standard deviation of one run; NaN for a width with a single one."""
        squares = np.bincount(self.width, self.deviations**2, minlength=len(self.widths))
        std: NDArray[np.float64] = np.sqrt(
            np.divide(squares, self.counts - 1, out=np.full(len(self.widths), np.nan), where=self.counts > 1)
        )
        return std
