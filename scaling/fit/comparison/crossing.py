"""Crossing of two laws: the size at which they predict the same error, and the costs there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from scaling.fit.interval import Interval
from scaling.fit.result import DrawSet, Fit, Law

_SEARCH_FACTOR = 100.0
"""Factor beyond the measured sizes, on either side, within which a crossing is searched."""
_GRID_SIZE = 400
"""Number of sizes on the grid of the search."""


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """Crossing of two laws along one x."""

    x_cross: Interval | None
    """Size at the crossing, with its 95 % interval; None if the fitted laws do not cross.

    A limit is 0 or infinite if resampled laws do not cross."""
    interpolated: bool
    """True if the crossing lies within the measured sizes of both groups, False if it is an extrapolation."""
    cost_ratios: dict[str, Interval]
    """Cost of the first network over that of the second at the crossing, by the name of the cost.

    The costs are ``parameters`` and ``macs``, if both groups have them. Beyond the range of the search, the
    ratio at the limit of the range is given."""


@dataclass(frozen=True, kw_only=True, eq=False)
class DrawPair:
    """Bootstrap draws of the parameters of two laws, paired row by row."""

    first: DrawSet
    second: DrawSet


def pair_draws(laws: tuple[Law, Law]) -> list[DrawPair]:
    """Pair the draws of two laws: every set of draws of the first with every set of the second.

    Draws in one row share one draw of the test images, if these are a sample, and have their own draws of the
    seeds.

    Args:
        laws: the two laws.
    """
    count = min(len(law.draws) for law in laws)
    first, second = laws
    return [
        DrawPair(first=draws[:count], second=other_draws[:count])
        for draws in first.draw_sets
        for other_draws in second.draw_sets
    ]


def find_crossing(first: Fit, second: Fit, *, laws: tuple[Law, Law]) -> Crossing:
    """Find the size at which two laws predict the same error, whatever their forms.

    Args:
        first: one group.
        second: another group, along the same x.
        laws: the law of each group.
    """
    narrowest, widest = zip(
        *((fit.points.widths[0], fit.points.widths[-1]) for fit in (first, second)), strict=True
    )
    search = _Search(narrowest=min(narrowest), widest=max(widest))
    x_cross = float(search.find(laws[0].point, laws[1].point)[0])
    draws = [search.find(pair.first, pair.second) for pair in pair_draws(laws)]
    crosses = bool(np.isfinite(x_cross) and x_cross > 0)
    return Crossing(
        x_cross=Interval.from_draws(x_cross, draws) if crosses else None,
        interpolated=bool(max(narrowest) <= x_cross <= min(widest)),
        cost_ratios=_cost_ratios(first, second, x_cross=x_cross, draws=draws, search=search)
        if crosses
        else {},
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Search:
    """Search for the crossing of two laws on a grid of sizes."""

    narrowest: float
    """Smallest measured size."""
    widest: float
    """Largest measured size."""

    @property
    def lowest(self) -> float:
        """Lower end of the range of the search."""
        return self.narrowest / _SEARCH_FACTOR

    @property
    def highest(self) -> float:
        """Upper end of the range of the search."""
        return self.widest * _SEARCH_FACTOR

    def find(self, first: DrawSet, second: DrawSet) -> Float[np.ndarray, " draws"]:
        """Return the crossing closest to the middle of the measured sizes, for each pair of draws.

        Without a crossing, the result is infinite or 0, on the side where the curves are closer.
        """
        x = np.geomspace(self.lowest, self.highest, _GRID_SIZE)
        curve, other_curve = first.evaluate(x), second.evaluate(x)
        is_above, is_below = curve > other_curve, curve < other_curve
        changes_sign = np.diff(is_above, axis=1) | np.diff(is_below, axis=1)
        distance = np.abs(np.log(x[:-1] ** 2 / (self.narrowest * self.widest)))
        nearest, rows = np.where(changes_sign, distance, np.inf).argmin(axis=1), np.arange(len(curve))

        def log_ratio(index: Int[np.ndarray, " rows"] | int) -> Float[np.ndarray, " rows"]:
            return np.asarray(np.log(curve[rows, index]) - np.log(other_curve[rows, index]))

        left, right = log_ratio(nearest), log_ratio(nearest + 1)
        crosses = changes_sign.any(axis=1)
        # The curves are straight in logarithms between two sizes of the grid.
        fraction = np.divide(left, left - right, out=np.zeros_like(left), where=crosses & (left != right))
        x_cross = x[nearest] * (x[1] / x[0]) ** fraction
        closer_side = np.where(np.abs(log_ratio(-1)) < np.abs(log_ratio(0)), np.inf, 0.0)
        return np.where(crosses, x_cross, closer_side)


def _cost_ratios(
    first: Fit, second: Fit, *, x_cross: float, draws: Sequence[Float[np.ndarray, " draws"]], search: _Search
) -> dict[str, Interval]:
    """Return the cost of the first network over that of the second at the crossing, with its interval."""

    def ratio(name: str, x: Float[np.ndarray, " sizes"]) -> Float[np.ndarray, " sizes"]:
        within = np.clip(x, search.lowest, search.highest)
        return np.asarray(first.costs[name].at(within) / second.costs[name].at(within))

    return {
        name: Interval.from_draws(float(ratio(name, np.array([x_cross]))[0]), [ratio(name, x) for x in draws])
        for name in first.costs
        if name in second.costs
    }
