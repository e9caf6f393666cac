"""Two laws beside each other: do their exponents differ, where do they meet; and which size a law needs for an error."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np

from scaling.errors import FitError, UsageError
from scaling.fit.comparison.crossing import find_crossing, paired
from scaling.fit.interval import Interval
from scaling.fit.result import Fit, FormChoice, Law, Status

MARGIN = 0.05
"""Of exponents that are called equal."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One form's law of two groups."""

    first: str
    second: str
    form: str
    difference: Interval
    """Of the exponents, the first less the second, with its 95 % interval."""
    margin: float
    equivalent: bool
    """Whether the 90 % interval of the difference lies within the margin (two one-sided tests at 5 %); false proves no difference."""
    crossing: Interval | None
    """The size at which the laws meet, and whether that is within what was measured: see ``Crossing``."""
    interpolated: bool
    cost_ratios: dict[str, Interval]
    """What the first's network costs over the second's there."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def compare_laws(first: Fit, second: Fit, *, form: str = "power", margin: float = MARGIN) -> Comparison:
    """Compare two groups of points along one x.

    Args:
        form: of the laws.
        margin: of equal exponents.

    Raises:
        UsageError: the points are of different columns, or no positive margin.
        FitError: a group has no law of this form.
    """
    if (first.points.x_name, first.points.y_name) != (second.points.x_name, second.points.y_name):
        raise UsageError(
            f"laws of {first.points.y_name} along {first.points.x_name} and {second.points.x_name} can't be compared"
        )
    if margin <= 0:
        raise UsageError(f"a margin must be above 0, not {margin:g}")
    if first.label == second.label:
        raise UsageError(
            f"both groups are called {first.label}; laws that are compared need names of their own"
        )
    laws = _law(first, form), _law(second, form)
    aparts = [one[:, 1] - other[:, 1] for one, other in paired(laws)]
    narrow = (
        np.min([np.quantile(apart, 0.05) for apart in aparts]),
        np.max([np.quantile(apart, 0.95) for apart in aparts]),
    )
    met = find_crossing(first, second, laws)
    return Comparison(
        first=first.label,
        second=second.label,
        form=form,
        difference=Interval.from_draws(
            laws[0].parameters["exponent"].estimate - laws[1].parameters["exponent"].estimate, aparts
        ),
        margin=margin,
        equivalent=bool(-margin < narrow[0] and narrow[1] < margin),
        crossing=met.x_cross,
        interpolated=met.interpolated,
        cost_ratios=met.cost_ratios,
    )


def choose_common_form(first: Fit, second: Fit) -> str | None:
    """The form that two groups are compared by: with a floor where both verdicts ask for one, else without; None where a law is missing or
    refused."""
    form = "floor" if all(fit.verdict.choice is FormChoice.FLOOR for fit in (first, second)) else "power"
    told = all(form in fit.laws and fit.laws[form].status is not Status.REJECTED for fit in (first, second))
    return form if told else None


def compare_all(fits: Sequence[Fit], *, margin: float = MARGIN) -> list[Comparison]:
    """Every pair of groups that can be compared."""
    return [
        compare_laws(*pair, form=form, margin=margin)
        for pair in combinations(fits, 2)
        if (form := choose_common_form(*pair))
    ]


def size_for_error(fit: Fit, error: float, *, form: str = "power") -> Interval:
    """The size at which a law comes down to an error, with its 95 % interval; infinite where it never does.

    Raises:
        UsageError: an error of 0 or below.
        FitError: there is no law of this form.
    """
    if not (error > 0 and np.isfinite(error)):
        raise UsageError(f"an error must be above 0, not {error:g}")
    law = _law(fit, form)
    return law.derived_interval(lambda draws: law.form.inverse(draws, error))


def _law(fit: Fit, form: str) -> Law:
    if form not in fit.laws:
        raise FitError(f"{fit.label} has no law of the form {form}")
    return fit.laws[form]
