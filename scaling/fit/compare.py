"""Two laws beside each other: do their exponents differ, where do they meet; and which size a law needs for an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations, product
from typing import Any

import numpy as np
from jaxtyping import Float

from scaling.errors import FitError, UsageError
from scaling.fit.forms import Form
from scaling.fit.result import LEVEL, Choice, Fit, Interval, Law

MARGIN = 0.05
"""Of exponents that are called equal."""
FURTHEST = 100.0
"""Laws are followed to so many times beyond the measured sizes, on either side; further out they are said not to meet."""
GRID = 400
"""Places in between."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One form's law of two groups."""

    first: str
    second: str
    form: str
    difference: Interval
    """Of the exponents, the first less the second, with its 95 % interval."""
    margin: float
    equal: bool
    """Whether the 90 % interval of the difference lies within the margin (two one-sided tests at 5 %); false proves no difference."""
    meeting: Interval | None
    """The size at which the laws meet, with its 95 % interval; None where the fitted ones don't. An end may be infinite or 0."""
    within: bool
    """Whether they meet within what both groups measured, and not where they are extrapolated."""
    ratios: dict[str, Interval]
    """Of ``parameters`` and ``macs``, where both groups' are known: the first's over the second's at the size at which the laws meet, with
    its 95 % interval. Further out than laws are followed, as at the furthest place."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare(first: Fit, second: Fit, *, form: str = "power", margin: float = MARGIN) -> Comparison:
    """Compare two groups of points along one x.

    Args:
        form: of the laws.
        margin: of equal exponents.

    Raises:
        UsageError: the points are of different columns, or no positive margin.
        FitError: a group has no law of this form.
    """
    if (first.points.x_name, first.points.y_name) != (second.points.x_name, second.points.y_name):
        raise UsageError(f"laws of {first.points.y_name} along {first.points.x_name} and {second.points.x_name} can't be compared")
    if margin <= 0:
        raise UsageError(f"a margin must be above 0, not {margin:g}")
    if first.label == second.label:
        raise UsageError(f"both groups are called {first.label}; laws that are compared need names of their own")
    laws = [_law(fit, form) for fit in (first, second)]
    # Draws of one place rest on one draw of the images, where these are a sample, and on seeds of their own. Where a floor may be 0, the pure
    # law's draws count beside those that are held there.
    count = min(len(law.draws) for law in laws)
    drawn = [[law.draws[:count]] if law.bound is None else [law.draws[:count], law.bound[:count]] for law in laws]
    pairs = list(product(*drawn))
    aparts = [one[:, 1] - other[:, 1] for one, other in pairs]
    narrow = np.min([np.quantile(apart, 0.05) for apart in aparts]), np.max([np.quantile(apart, 0.95) for apart in aparts])
    measured = [(fit.points.widths[0], fit.points.widths[-1]) for fit in (first, second)]
    low, high = max(low for low, _ in measured), min(high for _, high in measured)
    ends = min(low for low, _ in measured), max(high for _, high in measured)
    estimate = _meeting(laws[0].form, _estimates(laws[0]), _estimates(laws[1]), ends)
    others = [_meeting(laws[0].form, one, other, ends) for one, other in pairs]
    place = float(estimate[0])
    meets = bool(np.isfinite(place) and place > 0)
    return Comparison(
        first=first.label,
        second=second.label,
        form=form,
        difference=_interval(laws[0].parameters["exponent"].estimate - laws[1].parameters["exponent"].estimate, aparts),
        margin=margin,
        equal=bool(-margin < narrow[0] and narrow[1] < margin),
        meeting=_interval(place, others) if meets else None,
        within=bool(low <= place <= high),
        ratios=_ratios(first, second, place, others, ends) if meets else {},
    )


def common(first: Fit, second: Fit) -> str | None:
    """The form that two groups are compared by: with a floor where both verdicts ask for one, else without; None where a law is missing."""
    form = "floor" if all(fit.verdict.choice is Choice.FLOOR for fit in (first, second)) else "power"
    return form if form in first.laws and form in second.laws else None


def side_by_side(fits: Sequence[Fit], *, margin: float = MARGIN) -> list[Comparison]:
    """Every pair of groups that can be compared."""
    return [compare(*pair, form=form, margin=margin) for pair in combinations(fits, 2) if (form := common(*pair))]


def needed(fit: Fit, error: float, *, form: str = "power") -> Interval:
    """The size at which a law comes down to an error, with its 95 % interval; infinite where it never does.

    Raises:
        UsageError: an error of 0 or below.
        FitError: there is no law of this form.
    """
    if not (error > 0 and np.isfinite(error)):
        raise UsageError(f"an error must be above 0, not {error:g}")
    law = _law(fit, form)
    estimate = float(law.form.size(_estimates(law), error)[0])
    low, high = map(float, law.ends(lambda draws: law.form.size(draws, error)))
    return Interval(estimate=estimate, low=min(low, estimate), high=max(high, estimate))


def _law(fit: Fit, form: str) -> Law:
    if form not in fit.laws:
        raise FitError(f"{fit.label} has no law of the form {form}")
    return fit.laws[form]


def _estimates(law: Law) -> Float[np.ndarray, "1 parameters"]:
    return np.array([[law.parameters[name].estimate for name in law.form.parameters]])


def _meeting(
    form: Form, first: Float[np.ndarray, "rows parameters"], second: Float[np.ndarray, "rows parameters"], ends: tuple[float, float]
) -> Float[np.ndarray, " rows"]:
    """The size nearest to the middle of the ends at which the curves cross; where they don't, infinite or 0, by the side of the smaller gap."""
    places = np.geomspace(ends[0] / FURTHEST, ends[1] * FURTHEST, GRID)
    apart = np.log(form.evaluate(first[:, None, :], places)) - np.log(form.evaluate(second[:, None, :], places))
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
    first: Fit, second: Fit, place: float, others: Sequence[Float[np.ndarray, " draws"]], ends: tuple[float, float]
) -> dict[str, Interval]:
    """What the first's network costs over the second's, where the laws meet."""

    def ratio(name: str, places: Float[np.ndarray, " places"]) -> Float[np.ndarray, " places"]:
        at = np.clip(places, ends[0] / FURTHEST, ends[1] * FURTHEST)
        return np.asarray(first.costs[name].at(at) / second.costs[name].at(at))

    shared = [name for name in first.costs if name in second.costs]
    return {name: _interval(float(ratio(name, np.array([place]))[0]), [ratio(name, drawn) for drawn in others]) for name in shared}


def _interval(estimate: float, draws: Sequence[Float[np.ndarray, " draws"]]) -> Interval:
    """Between order statistics, because a draw may be infinite; it takes in all kinds of draws, and the estimate."""
    tail = int(len(draws[0]) * (1 - LEVEL) / 2)
    ends = [(float(ordered[tail]), float(ordered[-1 - tail])) for ordered in map(np.sort, draws)]
    return Interval(estimate=estimate, low=min(estimate, *(low for low, _ in ends)), high=max(estimate, *(high for _, high in ends)))
