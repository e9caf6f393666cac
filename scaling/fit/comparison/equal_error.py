"""Networks that err equally: how much larger one is than the other. Every law is of the form that its points ask for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from scaling.errors import FitError
from scaling.fit.comparison.crossing import paired
from scaling.fit.comparison.exponents import size_for_error
from scaling.fit.forms import MAX_EXPONENT
from scaling.fit.interval import Interval
from scaling.fit.result import Fit, FormChoice, Law, Status

FORMS = {
    FormChoice.POWER: "power",
    FormChoice.FLOOR: "floor",
    FormChoice.BENDS: "broken",
    FormChoice.UNCLEAR: "floor",
}
"""What a verdict asks for. Where it can't tell, a law that leaves open whether there is a floor."""


@dataclass(frozen=True, kw_only=True)
class SizesAtError:
    """Two groups along one x, at one error."""

    first: str
    second: str
    x: str
    error: float
    sizes: tuple[Interval, Interval]
    """That the error asks for, with their 95 % intervals; infinite where a law never comes down to it."""
    ratio: Interval | None
    """The first's size over the second's, with its 95 % interval; None where neither law comes down to the error."""
    extrapolated: tuple[str, ...]
    """Groups whose law is followed beyond what was measured."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def preferred_law(fit: Fit) -> Law | None:
    """The law that a fit is compared and drawn by; None where each of those that the verdict permits is missing, refused or tells nothing: its
    exponent's interval begins where the search does."""
    wanted = dict.fromkeys((FORMS[fit.verdict.choice], "power"))
    laws = (law for name in wanted if (law := fit.laws.get(name)) and law.status is not Status.REJECTED)
    return next((law for law in laws if law.parameters["exponent"].low > -MAX_EXPONENT), None)


def compare_sizes(first: Fit, second: Fit, error: float) -> SizesAtError:
    """The sizes at which two groups come down to an error, and their ratio.

    Raises:
        UsageError: an error of 0 or below.
        FitError: a group has no law to be compared by.
    """
    pair = []
    for fit in (first, second):
        if (law := preferred_law(fit)) is None:
            raise FitError(f"{fit.label} has no law that is not refused")
        pair.append(law)
    laws = pair[0], pair[1]
    sizes = (
        size_for_error(first, error, form=laws[0].form.name),
        size_for_error(second, error, form=laws[1].form.name),
    )
    # Where neither comes down to the error, the ratio may be anything: so such draws count at both ends.
    ratios = [
        np.nan_to_num(size, nan=unknown, posinf=np.inf)
        for unknown in (0.0, np.inf)
        for one, other in paired(laws)
        for size in [_over(laws[0].form.inverse(one, error), laws[1].form.inverse(other, error))]
    ]
    estimate = float(_over(*(law.form.inverse(law.estimates[None], error) for law in laws))[0])
    beyond = [fit.label for fit, size in zip((first, second), sizes, strict=True) if not _measured(fit, size)]
    return SizesAtError(
        first=first.label,
        second=second.label,
        x=first.points.x_name,
        error=error,
        sizes=sizes,
        ratio=None if np.isnan(estimate) else Interval.from_draws(estimate, ratios),
        extrapolated=tuple(beyond),
    )


def _over(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(first / second)


def _measured(fit: Fit, size: Interval) -> bool:
    return bool(fit.points.widths[0] <= size.estimate <= fit.points.widths[-1])
