"""First runs of a curve that has too few sizes or seeds for a law: those that a test of a law needs.

Without a law, no interval can be predicted. The runs come in the order of ``untested_sizes``, and of several
sizes the cheapest comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

import numpy as np

from scaling.errors import FitError
from scaling.fit.block_design import BlockDesign, CandidateSize, Proposal, check_sizes, untested_sizes
from scaling.fit.quantity import TRAIN_FIRST


class FirstDesign(BlockDesign):
    """Design of a curve without a law, which grows until a law can be tested.

    Args:
        label: label of the curve.
        sizes: candidate sizes.
        runs: number of finished runs at each size, without those that diverged.
        target: half width that is wanted in the end.

    Raises:
        FitError: no run has an error, or the candidate sizes are too few to test a law.
    """

    def __init__(
        self, label: str, sizes: Sequence[CandidateSize], runs: Sequence[int], *, target: float
    ) -> None:
        super().__init__(sizes, runs, target=target)
        if not self.existing_runs.any():
            raise FitError(f"{label}: no run has an error; {TRAIN_FIRST}")
        check_sizes(label, self.x)

    @property
    def is_testable(self) -> bool:
        """True if the runs can test a law."""
        return not untested_sizes(self.x, self.runs).any()

    @property
    def target_ratio(self) -> float:
        """Expected half width over the target, which is infinite without a law."""
        return inf

    def add_block(self, budget_s: float) -> float | None:
        """Add the cheapest block that a test of a law needs next.

        Args:
            budget_s: largest cost of the block, in core seconds.

        Returns:
            Cost of the block, in core seconds; None if a law can be tested or no block is affordable.
        """
        with_block = self.blocks + np.eye(len(self.x), dtype=int)
        costs_s = self._cost_s(with_block).sum(axis=1) - self._cost_s(self.blocks).sum()
        allowed = untested_sizes(self.x, self.runs) & (costs_s <= budget_s)
        if not allowed.any():
            return None
        best = int(np.where(allowed, costs_s, inf).argmin())
        self.blocks[best] += 1
        return float(costs_s[best])

    def remove_surplus_blocks(self) -> float:
        """Return 0, because each block is needed."""
        return 0.0

    def propose(self) -> Proposal:
        """Return the proposal, whose half widths are infinite because there is no law."""
        return self._proposal(half_width=inf, expected=inf)
