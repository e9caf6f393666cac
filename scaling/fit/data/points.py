"""Points: the runs of one curve, one number a run, with their statistics at each width."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtri

from scaling.errors import TableError
from scaling.fit.data.variance import (
    KNOWN_DOF,
    ZERO_DISPERSION,
    BinomialVariance,
    ConstantCV,
    Dispersion,
    DispersionSource,
    KnownVariance,
    VarianceModel,
)

DOUBTED_P = 0.25
"""Level of the F tests that replace the spread of the runs by a larger one.

The tests are lenient: a difference that they miss makes intervals too short, while a false alarm only widens
them. """


@dataclass(frozen=True, kw_only=True, eq=False)
class Points:
    """Runs of one group, in any order.

    Raises:
        TableError: a value through which no scaling law can pass.
    """

    x_name: str
    """Name of the column with the sizes."""
    y_name: str
    """Name of the column with the errors."""
    x: NDArray[np.float64]
    """Sizes of the networks: [runs], above 0."""
    y: NDArray[np.float64]
    """Errors, or other values: [runs], at least 0."""
    test_images: int | None
    """Number of test images, if y is the fraction of them that a run misclassifies; None for bare values."""
    misclassified: NDArray[np.bool_] | None = None
    """Images that each run misclassifies: [runs, images], if the test images count as a sample; otherwise
    None."""
    order: NDArray[np.int64] | None = None
    """Order of minibatches of each run: [runs]; None if it is unknown."""
    seed: NDArray[np.int64] | None = None
    """Seed of each run: [runs]; None if it is unknown. Runs of one seed at several widths may be alike."""
    y_at_best_epoch: NDArray[np.float64] | None = None
    """Errors at the epoch that validation would choose: [runs]; None if it is unknown for a run."""
    known_std: NDArray[np.float64] | None = None
    """Known standard deviations of y: [runs], above 0; None if the spread is estimated from the runs."""
    has_seeds: bool = True
    """False if the runs use no random numbers, so that no size can get a second run."""

    def __post_init__(self) -> None:
        _check_values(self.x_name, self.x, self.x > 0, "above 0")
        _check_values(self.y_name, self.y, self.y >= 0, "at least 0")
        if self.test_images is not None and (self.y > 1).any():
            raise TableError(
                f"{self.y_name}: holds {self.y.max():g}, but an error is a fraction of the test images; "
                "divide percentages by 100"
            )

    @property
    def variance_model(self) -> VarianceModel:
        """Variance of one run, up to the dispersion."""
        if self.known_std is not None:
            return KnownVariance()
        return ConstantCV() if self.test_images is None else BinomialVariance(self.test_images)

    @cached_property
    def widths(self) -> NDArray[np.float64]:
        """Distinct sizes: [widths], ascending."""
        return np.unique(self.x)

    @property
    def sizes(self) -> NDArray[np.float64]:
        """Sizes at which a form is evaluated: the widths, or [widths, 2] for the cells of two sizes."""
        return self.widths

    @property
    def log_sizes(self) -> NDArray[np.float64]:
        """Logarithms of the sizes: [widths, number of sizes]."""
        return np.asarray(np.log(self.sizes).reshape(len(self.widths), -1))

    @property
    def size_labels(self) -> list[str]:
        """Sizes as text, for messages: [widths]."""
        return [f"{x:g}" for x in self.widths]

    @cached_property
    def width_index(self) -> NDArray[np.intp]:
        """Index of each run's x in ``widths``: [runs]."""
        return np.searchsorted(self.widths, self.x)

    @cached_property
    def counts(self) -> NDArray[np.intp]:
        """Number of runs at each width: [widths]."""
        return np.bincount(self.width_index, minlength=len(self.widths))

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """Variance of one run divided by the variance of the mean, at dispersion 1: [widths].

        The weight of a width is its number of runs, unless the standard deviations are known.
        """
        return np.asarray(
            np.bincount(self.width_index, self._precision, minlength=len(self.widths)), dtype=float
        )

    @cached_property
    def means(self) -> NDArray[np.float64]:
        """Mean of y at each width: [widths]; runs with known standard deviations are weighted by 1 /
        std^2.
        """
        return (
            np.bincount(self.width_index, self._precision * self.y, minlength=len(self.widths)) / self.weights
        )

    @cached_property
    def _precision(self) -> NDArray[np.float64]:
        return np.ones(len(self.y)) if self.known_std is None else self.known_std**-2.0

    @cached_property
    def deviations(self) -> NDArray[np.float64]:
        """Deviation of each run from the mean of its width: [runs]."""
        return self.y - self.means[self.width_index]

    @cached_property
    def std(self) -> NDArray[np.float64]:
        """Sample standard deviation of one run: [widths], NaN for a width with a single run."""
        squares = np.bincount(self.width_index, self.deviations**2, minlength=len(self.widths))
        std: NDArray[np.float64] = np.sqrt(
            np.divide(squares, self.counts - 1, out=np.full(len(self.widths), np.nan), where=self.counts > 1)
        )
        return std

    @cached_property
    def run_dispersion(self) -> Dispersion | None:
        """Dispersion of single runs about the mean of their width, pooled over widths; None without
        replicates.

        For error counts it is below 1 if networks agree on which images are hard, because they share the test
        set.
        """
        if self.known_std is not None:
            return Dispersion(value=1.0, dof=KNOWN_DOF, source=DispersionSource.KNOWN)
        has_errors = self.means > 0  # the spread of runs without any error is unknown
        dof = int((self.counts - 1)[has_errors].sum())
        if not dof:
            return None
        squares = np.bincount(self.width_index, self.deviations**2)[has_errors]
        value = float((squares / self.variance_model.variance(self.means[has_errors])).sum() / dof)
        return Dispersion(value=value, dof=dof, source=DispersionSource.RUNS)

    @cached_property
    def replicate_dispersion(self) -> Dispersion | None:
        """Dispersion of the means that the replicates imply, without a law; None without replicates.

        The orders of minibatches take the place of the runs if they differ by more than their runs explain.
        """
        runs = self.run_dispersion
        if runs is None or runs.value < ZERO_DISPERSION or self.known_std is not None:
            return runs
        orders = self._order_dispersion(runs.value)
        return orders if orders and orders.inflation > 1 else runs

    def _order_dispersion(self, run_dispersion: float) -> Dispersion | None:
        """Return the dispersion of the means of orders; None if it is unknown, or no larger than by
        chance.
        """
        if self.order is None:
            return None
        _, cell = np.unique(np.stack([self.width_index, self.order]), axis=1, return_inverse=True)
        runs = np.bincount(cell)
        means = np.bincount(cell, self.y) / runs
        width = np.zeros(len(runs), dtype=np.intp)
        width[cell] = self.width_index
        has_errors = self.means[width] > 0
        dof_between = int(has_errors.sum() - (self.means > 0).sum())
        dof_within = int((runs - 1)[has_errors].sum())
        if not dof_between or not dof_within:
            return None
        precision = 1 / self.variance_model.variance(self.means[width][has_errors])
        squares_between = (runs * (means - self.means[width]) ** 2)[has_errors]
        squares_within = np.bincount(cell, (self.y - means[cell]) ** 2)[has_errors]
        between = float(squares_between @ precision) / dof_between
        within = float(squares_within @ precision) / dof_within
        if between <= within * fdtri(dof_between, dof_within, 1 - DOUBTED_P):
            return None
        return Dispersion(
            value=between,
            dof=dof_between,
            source=DispersionSource.ORDERS,
            inflation=float(np.sqrt(between / run_dispersion)),
        )


def _check_values(name: str, values: NDArray[np.float64], valid: NDArray[np.bool_], bound: str) -> None:
    unusable = values[~valid | ~np.isfinite(values)]
    if unusable.size:
        raise TableError(
            f"{name}: holds {unusable[0]:g}, but a scaling law needs finite values {bound}; "
            "correct or remove such rows"
        )
