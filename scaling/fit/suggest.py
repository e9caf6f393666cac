"""Sequential c-optimal design: the runs that narrow the interval of a quantity the most for their cost.

The design uses the law with a floor, linearised about its estimate. A run at size x adds the Fisher
information g g' / (dispersion variance(x)) about (log A, rho, E), where g is the gradient of the curve at x.
The information of runs is additive, and a quantity with gradient c has the variance c' information^-1 c
(delta method). The half width of its interval is the square root of this variance, times the quantile of
Student's t for the future number of replicates. The half width is then calibrated by the ratio of the
bootstrap interval of the present runs to that of this formula, because the linearisation ignores the bound of
the floor.

The cheapest runs for a single quantity have two or three sizes, through which any law could pass. Therefore
the runs that a test of the law needs come first: six sizes over a decade, with four seeds each. Afterwards,
no trained size gets fewer runs than half of the mean over the trained sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from scaling.errors import FitError
from scaling.fit.block_design import (
    BlockDesign,
    CandidateSize,
    Counts,
    DesignCounts,
    Proposal,
    Sizes,
    check_sizes,
    untested_sizes,
)
from scaling.fit.data.variance import ZERO_DISPERSION
from scaling.fit.diagnosis.status import MIN_SEEDS
from scaling.fit.interval import student_quantile
from scaling.fit.quantity import TRAIN_FIRST, Quantity, curve_gradient, require_floored_law
from scaling.fit.result import Fit, Law

MIN_SHARE = 0.5
"""Smallest number of runs at a trained size, relative to their mean over the trained sizes.

The cheapest runs for one quantity are those of three sizes. More runs there improve the interval and not the
test of the form, to which all sizes contribute.
"""

MAX_SEEDS = 1024
"""Largest number of seeds at a size: more seeds would be more precise than the form itself is accurate."""


def propose_runs(
    designs: Sequence[BlockDesign], *, budget_s: float = inf, stop_after_s: float = inf
) -> list[Proposal]:
    """Add blocks of seeds, always to the design that is furthest from its target, until none can improve.

    Args:
        designs: designs of the curves, which share the budget.
        budget_s: largest cost of the new runs, in core seconds.
        stop_after_s: cost of the new runs after which the law should be fitted again, in core seconds,
            because the design depends on the law, which more runs improve.
    """
    growing, cost_s = list(designs), 0.0
    while growing and cost_s < stop_after_s:
        design = max(growing, key=lambda candidate: candidate.target_ratio)
        block_cost_s = design.add_block(budget_s - cost_s)
        if block_cost_s is None:
            growing.remove(design)
            cost_s -= design.remove_surplus_blocks()
        else:
            cost_s += block_cost_s
    for design in growing:
        design.remove_surplus_blocks()
    return [design.propose() for design in designs]


class SequentialDesign(BlockDesign):
    """Design of one curve with a law, which tells how much a block of seeds narrows the interval.

    Args:
        fit: laws of the present runs.
        quantity: quantity to measure better.
        target: half width that is wanted.
        sizes: candidate sizes, which include those of the fit.
        min_share: smallest number of runs at a trained size, relative to their mean over the trained sizes.

    Raises:
        FitError: the fit has no law to plan from, or the candidate sizes are too few to test one.
    """

    def __init__(
        self,
        fit: Fit,
        quantity: Quantity,
        *,
        target: float,
        sizes: Sequence[CandidateSize],
        min_share: float = MIN_SHARE,
    ) -> None:
        law, points = require_floored_law(fit), fit.points
        super().__init__(
            sizes, [int(points.counts[points.widths == size.x].sum()) for size in sizes], target=target
        )
        self.min_share = min_share
        if self.existing_runs.sum() < len(points.x):
            raise ValueError("the candidate sizes must include those of the fit")
        _check_plannable(fit, law, self.x)
        self._model = _LinearisedLaw(fit, law, self.x, quantity.gradient(law))
        if not self._model.is_identifiable(self.runs):
            raise FitError(
                f"{fit.label}: its law with a floor is flat along a combination of its parameters, so no "
                f"runs can be planned; {TRAIN_FIRST}"
            )
        self.half_width = quantity.half_width(law)
        """Half width of the fitted interval."""
        self._uncalibrated = self._model.half_width(self.runs)

    @property
    def expected_half_width(self) -> float:
        """Expected half width with the new blocks."""
        return float(self._calibrate(self._model.half_width(self.runs)))

    @property
    def target_ratio(self) -> float:
        """Expected half width over the target; infinite while the runs cannot test the law."""
        return inf if self._untested_sizes().any() else self.expected_half_width / self.target

    def expected_half_widths(self, runs: DesignCounts) -> Float[np.ndarray, " designs"]:
        """Return the expected half width of many designs.

        Args:
            runs: number of runs of each design at each size, the present ones included.
        """
        return np.asarray(self._calibrate(self._model.half_widths(runs)))

    def add_block(self, budget_s: float) -> float | None:
        """Add the block that gains the most precision for its cost.

        The gain and the cost include the blocks that other sizes then need so as not to fall behind.

        Args:
            budget_s: largest cost of the block and of these blocks, in core seconds.

        Returns:
            Cost of the block, in core seconds; None if the target is reached or no block is affordable.
        """
        if self.target_ratio <= 1:
            return None
        untested = self._untested_sizes()
        useful = untested if untested.any() else ~untested
        with_block = self.blocks + np.eye(len(self.x), dtype=int)
        new_blocks = with_block if untested.any() else np.array([self._levelled(row) for row in with_block])
        cost_s = self._cost_s(new_blocks).sum(axis=1) - self._cost_s(self.blocks).sum()
        allowed = useful & (cost_s <= budget_s) & (self._seeds_with(new_blocks).max(axis=1) <= MAX_SEEDS)
        if not allowed.any():
            return None
        # Precision, the half width to the power of -2, is additive over runs, so that the gains of cheap and
        # of expensive blocks are comparable. Precision beyond the target has no value.
        wanted = inf if untested.any() else self.target**-2
        precision = np.minimum(self.expected_half_widths(self._runs_with(new_blocks)) ** -2, wanted)
        gain = precision - self.expected_half_width**-2
        best = np.where(allowed, gain / cost_s, -inf).argmax()
        before_s = self._cost_s(self.blocks).sum()
        self.blocks[best] += 1
        return float(self._cost_s(self.blocks).sum() - before_s)

    def remove_surplus_blocks(self) -> float:
        """Remove the blocks without which the target is reached, the most expensive ones first.

        Returns:
            Cost of the removed blocks, in core seconds.
        """
        saved_s = 0.0
        for index in np.argsort(-self.block_cost_s):
            while self.blocks[index]:
                self.blocks[index] -= 1
                if self.target_ratio > 1:
                    self.blocks[index] += 1
                    break
                saved_s += float(self.block_cost_s[index])
                if not self.blocks[index]:
                    saved_s += float(self.setup_cost_s[index])
        return saved_s

    def propose(self) -> Proposal:
        """Return the proposal of the design with its new blocks."""
        return self._proposal(half_width=self.half_width, expected=self.expected_half_width)

    def _calibrate(self, half_width: NDArray[np.float64] | float) -> NDArray[np.float64] | float:
        """Return half widths, calibrated by the bootstrap interval of the present runs."""
        return half_width / self._uncalibrated * self.half_width

    def _lagging_sizes(self, blocks: Counts) -> Bool[np.ndarray, " sizes"]:
        """Return the trained sizes with too few runs, in all or beside the others, if a law is tested."""
        runs = self._runs_with(blocks)
        is_trained = runs > 0
        least = max(MIN_SEEDS, self.min_share * runs[is_trained].mean())
        return np.asarray(is_trained & (runs < least))

    def _levelled(self, blocks: Counts) -> Counts:
        """Return blocks with those added that keep each trained size from falling behind."""
        while (lags := self._lagging_sizes(blocks)).any():
            blocks = blocks + lags
        return blocks

    def _untested_sizes(self) -> Bool[np.ndarray, " sizes"]:
        """Return the sizes at which a block helps to test the law; none if the law can be tested.

        Once the design has new blocks, no trained size may have fewer runs than the share ``min_share`` of
        the mean.
        """
        if (needed := untested_sizes(self.x, self.runs)).any():
            return needed
        return self._lagging_sizes(self.blocks) & self.blocks.any()


class _LinearisedLaw:
    """Law with a floor, linearised about its estimate: the precision of a quantity for any number of runs."""

    def __init__(self, fit: Fit, law: Law, x: Sizes, direction: Float[np.ndarray, " parameters"]) -> None:
        self.gradient, self.direction = curve_gradient(law, x), direction
        variance = law.dispersion.value * fit.points.variance_model.variance(law.predict(x))
        self.precision_per_run = 1 / variance

    def is_identifiable(self, runs: Counts) -> bool:
        """Return True if the runs determine all parameters."""
        rank = np.linalg.matrix_rank(self._information(runs), hermitian=True)
        return bool(rank == len(self.direction))

    def half_width(self, runs: Counts) -> float:
        """Return half the width of the interval of the quantity."""
        return float(self.half_widths(runs[None])[0])

    def half_widths(self, runs: DesignCounts) -> Float[np.ndarray, " designs"]:
        """Return half the width of the interval of the quantity, for many designs."""
        variance = self.direction @ np.linalg.inv(self._information(runs)) @ self.direction
        replicate_dof = np.maximum(runs - 1, 0).sum(axis=1)
        residual_dof = (runs > 0).sum(axis=1) - len(self.direction)
        dof = np.where(replicate_dof > 0, replicate_dof, residual_dof)
        return np.asarray(student_quantile(dof) * np.sqrt(variance))

    def _information(self, runs: DesignCounts) -> Float[np.ndarray, "*designs parameters parameters"]:
        """Return the Fisher information of the runs about the internal parameters."""
        weights = (runs * self.precision_per_run)[..., None]
        return np.asarray(self.gradient.T @ (weights * self.gradient))


def _check_plannable(fit: Fit, law: Law, x: Sizes) -> None:
    check_sizes(fit.label, x)
    if law.dispersion.value < ZERO_DISPERSION:
        raise FitError(
            f"{fit.label}: all runs of a size have the same error, so the number of runs cannot be planned;"
            f" {TRAIN_FIRST}"
        )
