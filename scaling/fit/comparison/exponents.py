"""Comparison of two laws of one form: the difference of their exponents, and where they cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any

import numpy as np
from jaxtyping import Float

from scaling.errors import UsageError
from scaling.fit.comparison.crossing import find_crossing, pair_draws
from scaling.fit.comparison.law_choice import choose_common_form, require_law
from scaling.fit.interval import Interval
from scaling.fit.result import Fit

EQUIVALENCE_MARGIN = 0.05
"""Largest difference between exponents that count as equivalent."""

_EQUIVALENCE_ALPHA = 0.05
"""Level of each of the two one-sided tests."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Comparison of two groups by the laws of one form."""

    first: str
    """Name of the first group."""
    second: str
    """Name of the second group."""
    form: str
    """Name of the form."""
    difference: Interval
    """Exponent of the first law minus that of the second, with its 95 % interval."""
    margin: float
    """Largest difference between exponents that count as equivalent."""
    equivalent: bool
    """True if the exponents are equivalent: two one-sided tests (TOST) at 5 %.

    Equivalently, the 90 % interval of the difference lies within the margin. False does not prove a
    difference."""
    crossing: Interval | None
    """Size at which the laws cross: see ``Crossing.x_cross``."""
    interpolated: bool
    """True if the crossing lies within the measured sizes of both groups."""
    cost_ratios: dict[str, Interval]
    """Cost of the first network over that of the second at the crossing: see ``Crossing.cost_ratios``."""

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        return asdict(self)


def compare_laws(
    first: Fit, second: Fit, *, form: str = "power", margin: float = EQUIVALENCE_MARGIN
) -> Comparison:
    """Compare two groups along one x by the laws of one form.

    Args:
        first: laws of one group.
        second: laws of another group.
        form: name of the form.
        margin: largest difference between exponents that count as equivalent, above 0.

    Raises:
        UsageError: the groups have different columns or the same name, or the margin is not above 0.
        FitError: a group has no law of this form.
    """
    _check_comparable(first, second)
    if margin <= 0:
        raise UsageError(f"expected a number above 0, got {margin:g}", option="margin")
    laws = require_law(first, form), require_law(second, form)
    differences = [pair.first[:, 1] - pair.second[:, 1] for pair in pair_draws(laws)]
    crossing = find_crossing(first, second, laws=laws)
    return Comparison(
        first=first.label,
        second=second.label,
        form=form,
        difference=Interval.from_draws(
            laws[0].parameters["exponent"].estimate - laws[1].parameters["exponent"].estimate, differences
        ),
        margin=margin,
        equivalent=_is_equivalent(differences, margin),
        crossing=crossing.x_cross,
        interpolated=crossing.interpolated,
        cost_ratios=crossing.cost_ratios,
    )


def compare_all(fits: Sequence[Fit], *, margin: float = EQUIVALENCE_MARGIN) -> list[Comparison]:
    """Compare every pair of groups that have usable laws of a common form.

    Args:
        fits: laws of the groups.
        margin: largest difference between exponents that count as equivalent, above 0.
    """
    return [
        compare_laws(first, second, form=form, margin=margin)
        for first, second in combinations(fits, 2)
        if (form := choose_common_form(first, second))
    ]


def _is_equivalent(differences: Sequence[Float[np.ndarray, " draws"]], margin: float) -> bool:
    lower = min(np.quantile(draws, _EQUIVALENCE_ALPHA) for draws in differences)
    upper = max(np.quantile(draws, 1 - _EQUIVALENCE_ALPHA) for draws in differences)
    return bool(-margin < lower and upper < margin)


def _check_comparable(first: Fit, second: Fit) -> None:
    columns = [f"{fit.points.y_name} along {fit.points.x_name}" for fit in (first, second)]
    if columns[0] != columns[1]:
        raise UsageError(
            f"laws of {columns[0]} and of {columns[1]} cannot be compared; choose the same columns"
        )
    if first.label == second.label:
        raise UsageError(f"both groups are named {first.label}; give each group its own name")
