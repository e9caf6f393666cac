"""Pareto front of the measured networks, and the group with the smallest predicted error for a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from scaling.fit.comparison.law_choice import preferred_law
from scaling.fit.interval import Interval
from scaling.fit.result import Fit, Law

_DRAWS = 4000
"""Number of draws of the means."""


@dataclass(frozen=True, kw_only=True)
class ParetoPoint:
    """Measured networks of one group and one size."""

    label: str
    """Name of the group."""
    x: float
    """Cost of a network."""
    runs: int
    """Number of runs."""
    error: float
    """Mean error over runs."""
    on_front: bool
    """True if no network of at most this cost has a smaller mean error."""
    share_on_front: float | None
    """Share of draws of the means in which the point is on the front.

    None if a network of at most this cost was trained once, so that the scatter of its mean is unknown."""

    def to_dict(self) -> dict[str, Any]:
        """Return the point as JSON values."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class BestAtBudget:
    """Group with the smallest predicted error for one budget, and the runner-up."""

    budget: float
    """Largest cost of a network."""
    label: str
    """Name of the best group."""
    error: Interval
    """Error that its law predicts, with its 95 % interval."""
    share_best: float | None
    """Share of resampled studies in which the group has the smallest error; None without other groups.

    A study counts only if the group is the best by all forms that the verdicts do not exclude."""
    runner_up: str
    """Name of the next best group; empty without other groups."""
    runner_up_error: Interval | None
    """Error that the law of the next best group predicts, with its 95 % interval."""
    extrapolated: tuple[str, ...]
    """Names of those of the two groups for which the budget lies beyond the measured networks."""

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return asdict(self)


def pareto_front(fits: Sequence[Fit], *, seed: int = 0) -> list[ParetoPoint]:
    """Return every measured size by rising cost, and whether it is on the Pareto front.

    The means are drawn from Student's t distributions about the measured means.

    Args:
        fits: groups along one cost.
        seed: seed of the draws.
    """
    rng = np.random.default_rng(seed)
    widths = sorted(
        ((fit, index) for fit in fits for index in range(len(fit.points.widths))),
        key=lambda width: (width[0].points.widths[width[1]], width[0].points.means[width[1]]),
    )
    x, means, runs, std = (
        np.array([getattr(fit.points, name)[index] for fit, index in widths])
        for name in ("widths", "means", "counts", "std")
    )
    has_replicates = runs > 1
    std_error = np.where(has_replicates, std / np.sqrt(runs), 0)
    t = rng.standard_t(np.where(has_replicates, runs - 1, 1), (_DRAWS, len(widths)))
    shares = _is_on_front(x, means + std_error * t).mean(axis=0)
    on_front = _is_on_front(x, means[None])[0]
    is_known = np.logical_and.accumulate(has_replicates)
    return [
        ParetoPoint(
            label=fit.label,
            x=float(x[row]),
            runs=int(runs[row]),
            error=float(means[row]),
            on_front=bool(on_front[row]),
            share_on_front=float(shares[row]) if is_known[row] else None,
        )
        for row, (fit, _) in enumerate(widths)
    ]


def best_at_budget(
    fits: Sequence[Fit], budgets: Sequence[float], *, max_extrapolation: float = 4.0
) -> list[BestAtBudget]:
    """Find the group with the smallest predicted error for each budget, by the preferred law of each group.

    Args:
        fits: groups along one cost.
        budgets: amounts of the cost.
        max_extrapolation: factor beyond the largest measured network up to which a group takes part. A group
            takes part from its smallest measured network.

    Returns:
        One result for each budget that any network fits in.
    """
    laws = [(fit, law) for fit in fits if (law := preferred_law(fit)) is not None]
    results = []
    for budget in budgets:
        in_range = [
            (fit, law)
            for fit, law in laws
            if fit.points.widths[0] <= budget <= max_extrapolation * fit.points.widths[-1]
        ]
        if in_range:
            results.append(_best_at_budget(in_range, budget))
    return results


def _best_at_budget(laws: Sequence[tuple[Fit, Law]], budget: float) -> BestAtBudget:
    ranked = sorted(laws, key=lambda entry: float(entry[1].predict(budget)))
    (best, _), *others = ranked
    errors = [_predicted_error(fit, law, budget) for fit, law in ranked[:2]]
    return BestAtBudget(
        budget=float(budget),
        label=best.label,
        error=errors[0],
        share_best=_share_of_first([law for _, law in ranked], budget) if others else None,
        runner_up=others[0][0].label if others else "",
        runner_up_error=errors[1] if others else None,
        extrapolated=tuple(fit.label for fit, _ in ranked[:2] if budget > fit.points.widths[-1]),
    )


def _share_of_first(laws: Sequence[Law], budget: float) -> float:
    """Return the share of resampled studies in which the first law has the smallest error by every form.

    All forms of a group are fitted to the same resampled studies, so that row k of each set of draws is one
    study.
    """
    at = np.array(budget)
    n_studies = min(len(draws) for law in laws for draws in law.draw_sets)
    errors = [np.stack([draws[:n_studies].evaluate(at) for draws in law.draw_sets]) for law in laws]
    smallest_of_others = np.min([by_form.min(axis=0) for by_form in errors[1:]], axis=0)
    return float((errors[0].max(axis=0) < smallest_of_others).mean())


def _predicted_error(fit: Fit, law: Law, budget: float) -> Interval:
    at = np.array(budget)
    interval = law.derived_interval(lambda draws: draws.evaluate(at))
    # An error rate is at most 1, but a law may exceed 1 at small sizes.
    highest = np.inf if fit.points.test_images is None else 1.0
    return Interval.around(interval.estimate, low=interval.low, high=min(interval.high, highest))


def _is_on_front(
    x: Float[np.ndarray, " points"], errors: Float[np.ndarray, "draws points"]
) -> Bool[np.ndarray, "draws points"]:
    """Return which errors are no larger than that of any point of at most the same cost; x is ascending."""
    smallest = np.minimum.accumulate(errors, axis=1)
    last_of_same_x = np.searchsorted(x, x, side="right") - 1
    return np.asarray(errors <= smallest[:, last_of_same_x])
