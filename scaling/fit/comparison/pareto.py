"""Who wins at a budget: the Pareto front of what was measured, and what laws say in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from scaling.fit.comparison.equal_error import preferred_law
from scaling.fit.interval import Interval
from scaling.fit.result import Fit

DRAWS = 4000


@dataclass(frozen=True, kw_only=True)
class ParetoPoint:
    """One group at one size."""

    label: str
    x: float
    runs: int
    error: float
    """Mean over runs."""
    on_front: bool
    """Whether no network of at most this size has a smaller mean."""
    share_on_front: float | None
    """Of draws of the means in which it is; None where a network of at most this size was trained once, so that nothing tells how its mean
    scatters."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class BestAtBudget:
    """Of one budget."""

    budget: float
    label: str
    error: Interval
    """By its law, with its 95 % interval."""
    share_best: float | None
    """Of resampled laws by which it has the smallest error; None where it is alone."""
    runner_up: str
    """The next best; empty where there is no other."""
    runner_up_error: Interval | None
    extrapolated: tuple[str, ...]
    """Of these two, those whose law is followed beyond what was measured."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def pareto_front(fits: Sequence[Fit], *, seed: int = 0) -> list[ParetoPoint]:
    """Every measured place, by rising size. Means are drawn from Student's distributions about what was measured.

    Args:
        fits: along one cost.
        seed: of the draws.
    """
    rng = np.random.default_rng(seed)
    rows = [(fit, place) for fit in fits for place in range(len(fit.points.widths))]
    rows.sort(key=lambda row: (row[0].points.widths[row[1]], row[0].points.means[row[1]]))
    x = np.array([fit.points.widths[place] for fit, place in rows])
    means, runs, std = (
        np.array([getattr(fit.points, name)[place] for fit, place in rows])
        for name in ("means", "counts", "std")
    )
    several = runs > 1
    drawn = means + np.where(several, std / np.sqrt(runs), 0) * rng.standard_t(
        np.where(several, runs - 1, 1), (DRAWS, len(rows))
    )
    shares = _unbeaten(x, drawn).mean(axis=0)
    known = np.logical_and.accumulate(several)
    return [
        ParetoPoint(
            label=fit.label,
            x=float(x[row]),
            runs=int(runs[row]),
            error=float(means[row]),
            on_front=bool(on_front),
            share_on_front=float(shares[row]) if known[row] else None,
        )
        for row, ((fit, _), on_front) in enumerate(zip(rows, _unbeaten(x, means[None])[0], strict=True))
    ]


def _unbeaten(
    x: Float[np.ndarray, " places"], errors: Float[np.ndarray, "draws places"]
) -> Bool[np.ndarray, "draws places"]:
    """Whether nothing of at most the same size errs less. Places stand by rising size."""
    least = np.minimum.accumulate(errors, axis=1)
    last = np.searchsorted(x, x, side="right") - 1  # the last of those of the same size
    return np.asarray(errors <= least[:, last])


def best_at_budget(
    fits: Sequence[Fit], budgets: Sequence[float], *, max_extrapolation: float = 4.0
) -> list[BestAtBudget]:
    """Whose law has the smallest error for a budget.

    Args:
        fits: along one cost.
        budgets: amounts of it. A group takes part from its smallest measured network up to ``max_extrapolation`` times its largest.

    Returns:
        One entry a budget that any network fits in.
    """
    laws = [(fit, law) for fit in fits if (law := preferred_law(fit)) is not None]
    found = []
    for budget in budgets:
        able = [
            (fit, law)
            for fit, law in laws
            if fit.points.widths[0] <= budget <= max_extrapolation * fit.points.widths[-1]
        ]
        if not able:
            continue
        at = np.array(budget)
        errors = [float(law.predict(at)) for _, law in able]
        order = np.argsort(errors)
        count = min(len(law.draws) for _, law in able)
        least = np.argmin([law.form.evaluate(law.draws[:count], at) for _, law in able], axis=0)
        best, *others = (able[place] for place in order)
        pair = [best, *others[:1]]
        intervals = [_interval(fit, float(law.predict(at)), law.band(at)) for fit, law in pair]
        found.append(
            BestAtBudget(
                budget=float(budget),
                label=best[0].label,
                error=intervals[0],
                share_best=float((least == order[0]).mean()) if others else None,
                runner_up=pair[1][0].label if others else "",
                runner_up_error=intervals[1] if others else None,
                extrapolated=tuple(fit.label for fit, _ in pair if budget > fit.points.widths[-1]),
            )
        )
    return found


def _interval(fit: Fit, estimate: float, band: tuple[np.ndarray, np.ndarray]) -> Interval:
    low, high = map(float, band)
    most = np.inf if fit.points.test_images is None else 1.0  # of a fraction of images
    return Interval(estimate=estimate, low=min(low, estimate), high=max(min(high, most), estimate))
