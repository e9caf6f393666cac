"""Where two laws meet, and what networks of that size cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from scaling.fit.interval import Interval
from scaling.fit.result import Fit, Law

FURTHEST = 100.0
"""Laws are followed to so many times beyond the measured sizes, on either side; further out they are said not to meet."""
GRID = 400
"""Places in between."""

Draws = tuple[Float[np.ndarray, "draws parameters"], Float[np.ndarray, "draws others"]]


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """Of two laws along one x."""

    x_cross: Interval | None
    """The size, with its 95 % interval; None where the fitted ones don't meet. An end may be infinite or 0."""
    interpolated: bool
    """Whether it lies within what both groups measured, and not where they are extrapolated."""
    cost_ratios: dict[str, Interval]
    """Of ``parameters`` and ``macs``, where both groups' are known: the first's over the second's at that size, with its 95 % interval. Further
    out than laws are followed, as at the furthest place."""


def find_crossing(first: Fit, second: Fit, laws: tuple[Law, Law]) -> Crossing:
    """Where a law of the first fit and one of the second meet, whatever their forms."""
    measured = [(fit.points.widths[0], fit.points.widths[-1]) for fit in (first, second)]
    low, high = max(low for low, _ in measured), min(high for _, high in measured)
    ends = min(low for low, _ in measured), max(high for _, high in measured)
    place = float(_meeting(laws, laws[0].estimates[None], laws[1].estimates[None], ends)[0])
    others = [_meeting(laws, one, other, ends) for one, other in paired(laws)]
    meets = bool(np.isfinite(place) and place > 0)
    return Crossing(
        x_cross=Interval.from_draws(place, others) if meets else None,
        interpolated=bool(low <= place <= high),
        cost_ratios=_ratios(first, second, place, others, ends) if meets else {},
    )


def paired(laws: tuple[Law, Law]) -> list[Draws]:
    """Draws of two laws, row by row.

    Draws of one place rest on one draw of the images, where these are a sample, and on seeds of their own. Where a floor may be 0, the pure
    law's draws count beside those that are held there.
    """
    count = min(len(law.draws) for law in laws)
    drawn = [[draws[:count] for draws in law.draw_sets] for law in laws]
    return [(one, other) for one in drawn[0] for other in drawn[1]]


def _meeting(
    laws: tuple[Law, Law],
    first: Float[np.ndarray, "rows parameters"],
    second: Float[np.ndarray, "rows others"],
    ends: tuple[float, float],
) -> Float[np.ndarray, " rows"]:
    """The size nearest to the middle of the ends at which the curves cross; where they don't, infinite or 0, by the side of the smaller gap."""
    places = np.geomspace(ends[0] / FURTHEST, ends[1] * FURTHEST, GRID)
    one, other = (
        law.form.evaluate(drawn[:, None, :], places) for law, drawn in zip(laws, (first, second), strict=True)
    )
    apart = np.log(one) - np.log(other)
    crosses = np.sign(apart[:, :-1]) != np.sign(apart[:, 1:])
    away = np.abs(np.log(places[:-1] ** 2 / (ends[0] * ends[1])))
    at, rows = np.where(crosses, away, np.inf).argmin(axis=1), np.arange(len(apart))
    left, right = apart[rows, at], apart[rows, at + 1]
    meets = crosses.any(axis=1)
    # Between two places the curves are straight in logarithms.
    share = np.divide(left, left - right, out=np.zeros_like(left), where=meets & (left != right))
    found = places[at] * (places[1] / places[0]) ** share
    return np.where(meets, found, np.where(np.abs(apart[:, -1]) < np.abs(apart[:, 0]), np.inf, 0.0))


def _ratios(
    first: Fit,
    second: Fit,
    place: float,
    others: Sequence[Float[np.ndarray, " draws"]],
    ends: tuple[float, float],
) -> dict[str, Interval]:
    """What the first's network costs over the second's, where the laws meet."""

    def ratio(name: str, places: Float[np.ndarray, " places"]) -> Float[np.ndarray, " places"]:
        at = np.clip(places, ends[0] / FURTHEST, ends[1] * FURTHEST)
        return np.asarray(first.costs[name].at(at) / second.costs[name].at(at))

    shared = [name for name in first.costs if name in second.costs]
    return {
        name: Interval.from_draws(
            float(ratio(name, np.array([place]))[0]), [ratio(name, drawn) for drawn in others]
        )
        for name in shared
    }
