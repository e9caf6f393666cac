"""Designs of the next runs of one curve: blocks of seeds at candidate sizes, and what a test needs first."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from scaling.errors import FitError
from scaling.fit.diagnosis.status import MIN_SEEDS, MIN_SPAN, MIN_WIDTHS
from scaling.fit.quantity import TRAIN_FIRST

Sizes = Float[np.ndarray, " sizes"]
Counts = Int[np.ndarray, " sizes"]
DesignCounts = Int[np.ndarray, "*designs sizes"]


@dataclass(frozen=True, kw_only=True)
class CandidateSize:
    """Size that can be trained, with the cost of its blocks of seeds."""

    x: float
    """Size of the network."""
    existing_seeds: int
    """Number of seeds that the study has already, from seed 0; diverged runs count."""
    block_size: int
    """Number of aligned seeds that train together."""
    block_cost_s: float
    """Cost of one block, in core seconds; also of a block that completes existing seeds."""
    setup_cost_s: float = 0.0
    """Cost before the first new block, in core seconds, such as that of pilot runs."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Runs to train next, for one curve."""

    half_width: float
    """Half width of the fitted 95 % interval of the quantity."""
    expected_half_width: float
    """Expected half width after the proposed runs."""
    target: float
    """Half width that is wanted."""
    seeds: tuple[int, ...]
    """Number of seeds at each candidate size, existing ones included."""
    costs_s: tuple[float, ...]
    """Cost of the new seeds at each candidate size, in core seconds."""


class BlockDesign(ABC):
    """Design of one curve, which grows by blocks of seeds.

    Args:
        sizes: candidate sizes.
        runs: number of finished runs at each size, without those that diverged.
        target: half width that is wanted.
    """

    def __init__(self, sizes: Sequence[CandidateSize], runs: Sequence[int], *, target: float) -> None:
        self.target, self.x = target, np.array([size.x for size in sizes])
        self.block_cost_s = np.array([size.block_cost_s for size in sizes])
        self.setup_cost_s = np.array([size.setup_cost_s for size in sizes])
        self.existing_seeds = np.array([size.existing_seeds for size in sizes])
        self.block_size = np.array([size.block_size for size in sizes])
        self.existing_runs = np.array(runs)
        self.blocks = np.zeros(len(sizes), int)
        """Number of new blocks at each size."""

    @property
    def seeds(self) -> Counts:
        """Number of seeds at each size, from seed 0.

        The first new block completes a block that exists in part.
        """
        return self._seeds_with(self.blocks)

    @property
    def runs(self) -> Counts:
        """Number of runs at each size on which the law will rest."""
        return self._runs_with(self.blocks)

    @property
    @abstractmethod
    def target_ratio(self) -> float:
        """Expected half width over the target; infinite while the runs cannot test the law."""

    @abstractmethod
    def add_block(self, budget_s: float) -> float | None:
        """Add the block that helps most for its cost.

        Args:
            budget_s: largest cost of what is added, in core seconds.

        Returns:
            Cost of the block, in core seconds; None if no block helps or none is affordable.
        """

    @abstractmethod
    def remove_surplus_blocks(self) -> float:
        """Remove the blocks without which the target is reached.

        Returns:
            Cost of the removed blocks, in core seconds.
        """

    @abstractmethod
    def propose(self) -> Proposal:
        """Return the proposal of the design with its new blocks."""

    def _proposal(self, *, half_width: float, expected: float) -> Proposal:
        return Proposal(
            half_width=half_width,
            expected_half_width=expected,
            target=self.target,
            seeds=tuple(self.seeds.tolist()),
            costs_s=tuple(self._cost_s(self.blocks).tolist()),
        )

    def _seeds_with(self, blocks: DesignCounts) -> DesignCounts:
        completed = (self.existing_seeds // self.block_size + blocks) * self.block_size
        return np.asarray(np.where(blocks > 0, completed, self.existing_seeds))

    def _runs_with(self, blocks: DesignCounts) -> DesignCounts:
        return np.asarray(self.existing_runs + self._seeds_with(blocks) - self.existing_seeds)

    def _cost_s(self, blocks: DesignCounts) -> Float[np.ndarray, "*designs sizes"]:
        """Return the cost of new blocks at each size, in core seconds."""
        return np.asarray(blocks * self.block_cost_s + (blocks > 0) * self.setup_cost_s)


def untested_sizes(x: Sizes, runs: Counts) -> Bool[np.ndarray, " sizes"]:
    """Return the sizes at which a block helps to test a law; none if a law can be tested.

    The requirements come one after the other: a wide enough span, enough seeds at each trained size, and
    enough sizes, of which each new one lies in the largest gap.

    Args:
        x: candidate sizes.
        runs: number of runs at each size; at least one is above 0.
    """
    is_trained = runs > 0
    lowest, highest = x[is_trained].min(), x[is_trained].max()
    if highest / lowest < MIN_SPAN:
        spans = np.maximum(x, highest) / np.minimum(x, lowest)
        return np.asarray(spans >= MIN_SPAN if spans.max() >= MIN_SPAN else spans > highest / lowest)
    has_few_seeds = is_trained & (runs < MIN_SEEDS)
    if has_few_seeds.any():
        return has_few_seeds
    if is_trained.sum() >= MIN_WIDTHS:
        return np.zeros_like(is_trained)
    is_between = ~is_trained & (x > lowest) & (x < highest)
    is_new = is_between if is_between.any() else ~is_trained
    log_distance = np.abs(np.log(x[:, None] / x[is_trained])).min(axis=1)
    return np.asarray(is_new & (log_distance == log_distance[is_new].max()))


def check_sizes(label: str, x: Sizes) -> None:
    """Check that the candidate sizes can test a law.

    Raises:
        FitError: there are too few, or they span too little.
    """
    if len(x) < MIN_WIDTHS or x.max() / x.min() < MIN_SPAN:
        raise FitError(
            f"{label}: only {len(x)} sizes from {x.min():g} to {x.max():g} can be trained; {TRAIN_FIRST}"
        )
