"""Comparison of two laws: the difference of their exponents, and where they cross.

Each group is compared by the law that its verdict names, so that headers, sentences and tables speak of the
same laws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float

from scaling.errors import UsageError
from scaling.fit.comparison.crossing import find_crossing, pair_draws
from scaling.fit.comparison.equal_error import size_to_dict
from scaling.fit.comparison.law_choice import preferred_law, require_law
from scaling.fit.interval import Interval
from scaling.fit.result import Fit, Law

EQUIVALENCE_MARGIN = 0.05
"""Largest difference between exponents that count as equivalent."""

_EQUIVALENCE_ALPHA = 0.05
"""Level of each of the two one-sided tests."""


class ExponentConclusion(StrEnum):
    """Conclusion from the difference of two exponents."""

    EQUAL = "equal"
    """The 90 % interval lies within the margin: two one-sided tests (TOST) at 5 %."""
    DIFFERENT = "different"
    """The 95 % interval excludes 0, and equality is not shown."""
    UNDECIDED = "undecided"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Comparison of two groups by one law of each."""

    first: str
    """Name of the first group."""
    second: str
    """Name of the second group."""
    forms: tuple[str, str]
    """Name of the form of each law."""
    difference: Interval
    """Exponent of the first law minus that of the second, with its 95 % interval."""
    margin: float
    """Largest difference between exponents that count as equivalent."""
    conclusion: ExponentConclusion
    """Whether the exponents are equal within the margin."""
    crossing: Interval | None
    """Size at which the laws cross: see ``Crossing.x_cross``."""
    interpolated: bool
    """True if the crossing lies within the measured sizes of both groups."""
    cost_ratios: dict[str, Interval]
    """Cost of the first network over that of the second at the crossing: see ``Crossing.cost_ratios``."""

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON values; ``never`` is the limit of laws that may not cross."""
        crossing = None if self.crossing is None else size_to_dict(self.crossing)
        return {**asdict(self), "conclusion": self.conclusion.value, "crossing": crossing}


def compare_laws(
    first: Fit, second: Fit, *, form: str | None = None, margin: float = EQUIVALENCE_MARGIN
) -> Comparison:
    """Compare two groups along one x.

    Args:
        first: laws of one group.
        second: laws of another group.
        form: name of the form of both laws; None for the law that each verdict names.
        margin: largest difference between exponents that count as equivalent, above 0.

    Raises:
        UsageError: the groups have different columns or the same name, or the margin is not above 0.
        FitError: a group has no such law.
    """
    _check_comparable(first, second)
    if margin <= 0:
        raise UsageError(f"expected a number above 0, got {margin:g}", option="margin")
    laws = require_law(first, form), require_law(second, form)
    differences = _difference_draws(laws)
    difference = exponent_difference(laws)
    crossing = find_crossing(first, second, laws=laws)
    return Comparison(
        first=first.label,
        second=second.label,
        forms=(laws[0].form.name, laws[1].form.name),
        difference=difference,
        margin=margin,
        conclusion=_conclude(difference, differences, margin),
        crossing=crossing.x_cross,
        interpolated=crossing.interpolated,
        cost_ratios=crossing.cost_ratios,
    )


def exponent_difference(laws: tuple[Law, Law]) -> Interval:
    """Return the exponent of the first law minus that of the second, with its 95 % interval.

    Args:
        laws: laws of two groups along one x.
    """
    estimate = laws[0].parameters["exponent"].estimate - laws[1].parameters["exponent"].estimate
    return Interval.from_draws(estimate, _difference_draws(laws))


def compare_all(fits: Sequence[Fit], *, margin: float = EQUIVALENCE_MARGIN) -> list[Comparison]:
    """Compare every pair of groups that have a usable law each.

    Args:
        fits: laws of the groups.
        margin: largest difference between exponents that count as equivalent, above 0.
    """
    with_law = [fit for fit in fits if preferred_law(fit) is not None]
    return [compare_laws(first, second, margin=margin) for first, second in combinations(with_law, 2)]


def _difference_draws(laws: tuple[Law, Law]) -> list[Float[np.ndarray, " draws"]]:
    return [pair.first.parameter("exponent") - pair.second.parameter("exponent") for pair in pair_draws(laws)]


def _conclude(
    difference: Interval, draw_sets: Sequence[Float[np.ndarray, " draws"]], margin: float
) -> ExponentConclusion:
    lower = min(np.quantile(draws, _EQUIVALENCE_ALPHA) for draws in draw_sets)
    upper = max(np.quantile(draws, 1 - _EQUIVALENCE_ALPHA) for draws in draw_sets)
    if -margin < lower and upper < margin:
        return ExponentConclusion.EQUAL
    is_different = difference.low > 0 or difference.high < 0
    return ExponentConclusion.DIFFERENT if is_different else ExponentConclusion.UNDECIDED


def _check_comparable(first: Fit, second: Fit) -> None:
    columns = [f"{fit.points.y_name} along {fit.points.x_name}" for fit in (first, second)]
    if columns[0] != columns[1]:
        raise UsageError(
            f"laws of {columns[0]} and of {columns[1]} cannot be compared; choose the same columns"
        )
    if first.label == second.label:
        raise UsageError(f"both groups are named {first.label}; give each group its own name")
