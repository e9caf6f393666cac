"""Sizes at equal error: the size that a law needs for an error, and the ratio of the sizes of two groups."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import inf
from typing import Any

import numpy as np
from jaxtyping import Float

from scaling.errors import UsageError
from scaling.fit.comparison.crossing import pair_draws
from scaling.fit.comparison.law_choice import require_law
from scaling.fit.interval import Interval
from scaling.fit.result import DrawSet, Fit, Law


@dataclass(frozen=True, kw_only=True)
class SizesAtError:
    """Sizes of two groups at one error, along one x."""

    first: str
    """Name of the first group."""
    second: str
    """Name of the second group."""
    x: str
    """Column of the sizes."""
    error: float
    """Error at which the groups are compared."""
    sizes: tuple[Interval, Interval]
    """Size that each group needs, with its 95 % interval; infinite if a law never falls to the error."""
    ratio: Interval | None
    """Size of the first group over that of the second, with its 95 % interval.

    None if neither law falls to the error."""
    extrapolated: tuple[str, ...]
    """Names of the groups whose size lies beyond the measured ones."""
    measured: tuple[str, ...]
    """Names of the groups with a measured mean at or below the error; their laws may lie above it."""

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON values.

        A size is ``never`` if its law does not fall to the error. A ratio is ``never`` if the first group
        does not, 0 if the second does not, and None if neither does.
        """
        return {
            **asdict(self),
            "sizes": [size_to_dict(size) for size in self.sizes],
            "ratio": None if self.ratio is None else size_to_dict(self.ratio),
        }


def size_to_dict(size: Interval) -> dict[str, float | str]:
    """Return a size as JSON values, with ``never`` in the place of infinity, which JSON does not have."""
    return {name: "never" if value == inf else value for name, value in asdict(size).items()}


def size_for_error(fit: Fit, error: float, *, form: str = "power") -> Interval:
    """Return the size at which a law falls to an error, with its 95 % interval; infinite if it never does.

    Args:
        fit: laws of one group.
        error: error above 0.
        form: name of the law's form.

    Raises:
        UsageError: the error is not above 0.
        FitError: the fit has no law of this form.
    """
    _check_error(error)
    return _size_for_error(require_law(fit, form), error)


def compare_sizes(first: Fit, second: Fit, *, error: float) -> SizesAtError:
    """Compare the sizes that two groups need for an error, by the preferred law of each.

    Args:
        first: laws of one group.
        second: laws of another group, along the same x.
        error: error above 0.

    Raises:
        UsageError: the error is not above 0.
        FitError: a group has no law by which it can be compared.
    """
    _check_error(error)
    laws = require_law(first), require_law(second)
    sizes = _size_for_error(laws[0], error), _size_for_error(laws[1], error)
    measured = tuple(fit.label for fit in (first, second) if has_measured(fit, error))
    return SizesAtError(
        first=first.label,
        second=second.label,
        x=first.points.x_name,
        error=error,
        sizes=sizes,
        ratio=_size_ratio(laws, error),
        extrapolated=tuple(
            fit.label
            for fit, size in zip((first, second), sizes, strict=True)
            if not fit.points.widths[0] <= size.estimate <= fit.points.widths[-1]
            and not (size.estimate == inf and fit.label in measured)
        ),
        measured=measured,
    )


def has_measured(fit: Fit, error: float) -> bool:
    """Return whether the mean of some size lies at or below an error, wherever the law lies."""
    return bool((fit.points.means <= error).any())


def _size_for_error(law: Law, error: float) -> Interval:
    return law.derived_interval(lambda draws: draws.inverse(error))


def _size_ratio(laws: tuple[Law, Law], error: float) -> Interval | None:
    """Return the ratio of the sizes of two laws at an error; None if neither law falls to the error."""

    def ratio(first: DrawSet, second: DrawSet) -> Float[np.ndarray, " draws"]:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(first.inverse(error) / second.inverse(error))

    estimate = float(ratio(laws[0].point, laws[1].point)[0])
    if np.isnan(estimate):
        return None
    draw_sets = []
    for pair in pair_draws(laws):
        ratios = ratio(pair.first, pair.second)
        # The ratio of a draw in which neither law falls to the error is unknown. It counts as 0 for the lower
        # limit and as infinite for the upper limit.
        is_unknown = np.isnan(ratios)
        draw_sets += [np.where(is_unknown, 0.0, ratios), np.where(is_unknown, np.inf, ratios)]
    return Interval.from_draws(estimate, draw_sets)


def _check_error(error: float) -> None:
    if not (error > 0 and np.isfinite(error)):
        raise UsageError(f"expected an error above 0, got {error:g}")
