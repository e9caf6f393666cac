"""Which runs to train next: those that narrow a quantity's interval the most for their cost, under the law with a floor.

A run at size x tells g g' / (dispersion variance(x)) of (log A, rho, E), where g is the curve's gradient there. What runs tell adds up, and a
quantity with gradient c has the variance c' information^-1 c (the delta method). Its half width is the root of that times Student's quantile
for the replicates that there will be, and times what the resampled interval of the present runs is over this formula's: no gradient knows, say,
of a floor's bound.

The cheapest runs for one quantity alone are of two or three sizes, through which any law could pass. So what a law is tested on comes first:
six sizes over a decade, with four seeds each.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import stdtrit

from scaling.errors import FitError
from scaling.fit.data.variance import ZERO_DISPERSION
from scaling.fit.diagnosis.status import MIN_SPAN, SEEDS, WIDTHS
from scaling.fit.interval import CONFIDENCE_LEVEL
from scaling.fit.quantity import TRAIN_FIRST, Quantity, curve_gradient, require_floored_law
from scaling.fit.result import Fit

MOST = 1024
"""Seeds at a size: where more are needed, no form is right to so many digits."""


@dataclass(frozen=True, kw_only=True)
class CandidateSize:
    """A size that can be trained."""

    x: float
    existing_seeds: int
    """That a study has there already, from 0 on; diverged ones count."""
    block_size: int
    """Aligned seeds that train together."""
    block_cost_s: float
    """Of a block, also of one of which a part is there."""
    setup_cost_s: float = 0.0
    """Once, before its first new block, as for pilots that choose a learning rate."""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """What to train next, for one curve."""

    half_width: float
    """Half width of the quantity's fitted 95 % interval."""
    expected_half_width: float
    """What it should be after these runs."""
    target: float
    seeds: tuple[int, ...]
    """Of each size, all in all."""
    costs_s: tuple[float, ...]
    """Of each size, for the seeds that are new."""


def propose_runs(
    designs: Sequence[SequentialDesign], *, budget_s: float = inf, stop_after_s: float = inf
) -> list[Proposal]:
    """Let designs grow, always the one that is furthest from its target, until all reach theirs or nothing more can be had.

    Args:
        designs: one a curve; they share the budget.
        budget_s: core time.
        stop_after_s: of what is known. A plan is only as good as the law it rests on: where so much is spent anew, it is time for another one.
    """
    eager, new_s = list(designs), 0.0
    while eager and new_s < stop_after_s:
        design = max(eager, key=lambda each: each.urgency)
        cost_s = design.step(budget_s - new_s)
        if cost_s is None:
            eager.remove(design)
        new_s += -design.trim() if cost_s is None else cost_s
    for design in eager:
        design.trim()
    return [design.proposal() for design in designs]


class SequentialDesign:
    """One curve's study, which grows block by block.

    Args:
        fit: what is known.
        quantity: what is to be known better.
        target: its half width.
        sizes: that can be trained; those of the fit are among them.

    Raises:
        FitError: the fit has no law to plan from, or the sizes are too few to test one.
    """

    def __init__(self, fit: Fit, quantity: Quantity, target: float, sizes: Sequence[CandidateSize]) -> None:
        law, points = require_floored_law(fit), fit.points
        self.target, self.x = target, np.array([size.x for size in sizes])
        self.cost_s, self.start_s = np.array([(size.block_cost_s, size.setup_cost_s) for size in sizes]).T
        self.first, self.block = np.array([(size.existing_seeds, size.block_size) for size in sizes]).T
        self.blocks = np.zeros(len(sizes), int)
        self.known = np.array([points.counts[points.widths == x].sum() for x in self.x])
        if self.known.sum() < len(points.x):
            raise ValueError("sizes that the fit rests on are missing")
        if len(self.x) < WIDTHS or self.x.max() / self.x.min() < MIN_SPAN:
            raise FitError(
                f"{fit.label}: only {len(self.x)} sizes from {self.x.min():g} to {self.x.max():g} can be trained; {TRAIN_FIRST}"
            )
        if law.dispersion.value < ZERO_DISPERSION:
            raise FitError(
                f"{fit.label}: its runs do not scatter, so nothing tells how many are needed; {TRAIN_FIRST}"
            )
        self.told = 1 / (law.dispersion.value * points.variance_model.variance(law.predict(self.x)))
        self.gradient, self.direction = curve_gradient(law, self.x), quantity.gradient(law)
        if np.linalg.matrix_rank(self._information(), hermitian=True) < len(law.parameters):
            raise FitError(
                f"{fit.label}: its law with a floor is flat, so nothing can be planned from it; {TRAIN_FIRST}"
            )
        self.half_width, self.formula = 1.0, 1.0
        self.half_width, self.formula = quantity.half_width(law), self.expected_half_width

    @property
    def seeds(self) -> Int[np.ndarray, " sizes"]:
        """Of each size, from 0 on; the first new block completes one that is there in part."""
        return np.asarray(
            np.where(self.blocks > 0, (self.first // self.block + self.blocks) * self.block, self.first)
        )

    @property
    def runs(self) -> Int[np.ndarray, " sizes"]:
        """That the law will rest on."""
        return np.asarray(self.known + self.seeds - self.first)

    @property
    def expected_half_width(self) -> float:
        """The half width that the study should have as it has grown."""
        return float(self._expected(np.zeros(len(self.x), int))[0])

    @property
    def urgency(self) -> float:
        """The expected half width over the target; infinite where the law could not be tested yet."""
        return inf if self._lacking().any() else self.expected_half_width / self.target

    def step(self, budget_s: float) -> float | None:
        """Add the block that tells most for its cost.

        Returns:
            Its cost; None where nothing is wanted or no block can be had.
        """
        if self.urgency <= 1:
            return None
        lacking = self._lacking()
        more = (self.seeds // self.block + 1) * self.block - self.seeds
        cost_s = self.cost_s + np.where(self.blocks == 0, self.start_s, 0)
        allowed = (
            (lacking if lacking.any() else ~lacking) & (cost_s <= budget_s) & (self.seeds + more <= MOST)
        )
        if not allowed.any():
            return None
        # Half widths to the power of -2 add up as runs do, so that cheap and dear blocks compare; beyond the target they count for nothing.
        enough = inf if lacking.any() else self.target**-2
        gain = np.minimum(self._expected(more) ** -2, enough) - self.expected_half_width**-2
        best = np.where(allowed, gain / cost_s, -inf).argmax()
        self.blocks[best] += 1
        return float(cost_s[best])

    def trim(self) -> float:
        """Take back blocks, the dearest first, without which the target is reached all the same, and return their cost."""
        saved_s = 0.0
        for nth in np.argsort(-self.cost_s):
            while self.blocks[nth]:
                self.blocks[nth] -= 1
                if self.urgency > 1:
                    self.blocks[nth] += 1
                    break
                saved_s += float(self.cost_s[nth] + (0 if self.blocks[nth] else self.start_s[nth]))
        return saved_s

    def proposal(self) -> Proposal:
        """The study as it has grown."""
        costs = self.blocks * self.cost_s + (self.blocks > 0) * self.start_s
        seeds, costs_s = tuple(self.seeds.tolist()), tuple(costs.tolist())
        return Proposal(
            half_width=self.half_width,
            expected_half_width=self.expected_half_width,
            target=self.target,
            seeds=seeds,
            costs_s=costs_s,
        )

    def _lacking(self) -> Bool[np.ndarray, " sizes"]:
        """Where a block would bring the next thing that a law is tested on and that is missing."""
        here = self.runs > 0
        lowest, highest = self.x[here].min(), self.x[here].max()
        if highest / lowest < MIN_SPAN:
            return np.asarray(np.maximum(self.x, highest) / np.minimum(self.x, lowest) >= MIN_SPAN)
        few = here & (self.runs < SEEDS)
        if few.any() or here.sum() >= WIDTHS:
            return few
        within = ~here & (self.x > lowest) & (self.x < highest)
        free = within if within.any() else ~here
        away = np.abs(np.log(self.x[:, None] / self.x[here])).min(axis=1)
        return np.asarray(free & (away == away[free].max()))  # in the largest gap

    def _information(self) -> Float[np.ndarray, "parameters parameters"]:
        return np.asarray((self.gradient * (self.runs * self.told)[:, None]).T @ self.gradient)

    def _expected(self, more: Int[np.ndarray, " sizes"]) -> Float[np.ndarray, " sizes"]:
        """The half width with so many more runs at each size, one size at a time."""
        runs, covariance = self.runs, np.linalg.inv(self._information())
        weight, along = more * self.told, self.gradient @ covariance @ self.direction
        leverage = np.einsum("si,ij,sj->s", self.gradient, covariance, self.gradient)
        # One more row of the information changes its inverse by a product of two vectors (Sherman & Morrison 1950).
        left = self.direction @ covariance @ self.direction - weight * along**2 / (1 + weight * leverage)
        replicates = np.maximum(runs - 1, 0).sum() + more - ((runs == 0) & (more > 0))
        behind = np.where(replicates > 0, replicates, (runs > 0).sum() - len(self.direction))
        return np.asarray(
            stdtrit(behind, (1 + CONFIDENCE_LEVEL) / 2) * np.sqrt(left) / self.formula * self.half_width
        )
