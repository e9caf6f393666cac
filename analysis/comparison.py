"""A study's curves against each other: figures along every axis, and tables of who needs how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from matplotlib import style as matplotlib_style
from pyarrow import csv

from analysis.against import BEYOND, Crossing, amount_along, crossings, draw_against
from analysis.error_law import FILTERS, MACS, PARAMETERS, AxisOf
from analysis.groups import Grouped, group
from analysis.laws import Laws, fit_laws
from analysis.style import STYLE
from scaling.fit import Comparison, EqualError, Fit, Place, Winner, equal_error, front, side_by_side, telling, winners

FIRST_LAYER = AxisOf("filters_total", "filters of the first layer", "filters of the first layer, all colours")
TRAINING = AxisOf("training_flops", "training operations", "floating-point operations of a training")
TIME = AxisOf("core_s", "training time", "seconds of one core for a training, beside its pack's others")
AXES = (FILTERS, FIRST_LAYER, PARAMETERS, MACS, TRAINING, TIME)
COSTS = (PARAMETERS, MACS, TRAINING, TIME)
"""Axes on which less is better."""
EQUAL = tuple(axis for axis in AXES if axis is not TIME)
"""Axes along which sizes of equal error are told: a time depends on the machine."""
APART = 1.02
"""Errors that differ by less are told once."""
STEPS = (1, 2, 5)
"""Budgets of a decade."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What was found and written."""

    folder: Path
    figures: tuple[Path, ...]
    fits: tuple[Fit, ...]
    """Along filters, one a curve."""
    pairs: tuple[Comparison, ...]
    """Of the laws along filters."""
    equal: tuple[EqualError, ...]
    crossings: tuple[Crossing, ...]
    front: dict[str, list[Place]]
    """By the cost."""
    winners: dict[str, list[Winner]]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "laws": [fit.to_dict() for fit in self.fits],
            "pairs": [pair.to_dict() for pair in self.pairs],
            "equal_error": [found.to_dict() for found in self.equal],
            "crossings": [asdict(crossing) for crossing in self.crossings],
            "front": {cost: [place.to_dict() for place in places] for cost, places in self.front.items()},
            "winners": {cost: [winner.to_dict() for winner in found] for cost, found in self.winners.items()},
            "notes": list(self.notes),
        }


def write_comparison(*, runs: pa.Table, epochs: pa.Table, out: Path, errors: Sequence[float] = ()) -> Compared:
    """Fit along every axis, compare, draw, and write figures and tables.

    Args:
        runs: the store's runs of a study, with ``training_flops``, null where it is not known of a run, and ``core_s``.
        epochs: the store's epochs of those runs; may be empty.
        out: the folder; made where it is missing. Files of an earlier comparison are replaced.
        errors: at which networks are compared beside those that the data suggest.
    """
    grouped = group(runs)
    grouped = replace(grouped, runs=amount_along(grouped.runs, TIME.column))
    during = grouped.epochs(epochs)
    axes = [axis for axis in AXES if not grouped.runs[axis.column].null_count]
    laws = {axis.column: fit_laws(grouped, during, axis.column) for axis in axes}
    figures = _draw(grouped, axes, laws, out)
    fits = {column: list(found.fits.values()) for column, found in laws.items()}
    along = fits[FILTERS.column]
    equal = [found for axis in axes if axis in EQUAL for pair in combinations(fits[axis.column], 2) for found in _equal(*pair, errors)]
    priced = {axis.column: fits[axis.column] for axis in axes if axis in COSTS and fits[axis.column]}
    made = Compared(
        folder=out,
        figures=figures,
        fits=tuple(along),
        pairs=tuple(side_by_side(along)),
        equal=tuple(equal),
        crossings=tuple(crossing for axis in axes for crossing in crossings(fits[axis.column])),
        front={column: front(found) for column, found in priced.items()},
        winners={column: winners(found, _budgets(found), beyond=BEYOND) for column, found in priced.items()},
        notes=(*grouped.notes, *laws[FILTERS.column].refused),
    )
    _tables(made, out)
    return made


def _draw(grouped: Grouped, axes: Sequence[AxisOf], laws: dict[str, Laws], out: Path) -> tuple[Path, ...]:
    out.mkdir(parents=True, exist_ok=True)
    with matplotlib_style.context(["default", STYLE]):
        return tuple(path for axis in axes for path in draw_against(grouped, laws[axis.column], axis, budget=axis in COSTS).save(out))


def _equal(first: Fit, second: Fit, errors: Sequence[float]) -> list[EqualError]:
    """At the least error that both came down to, at the least that either did, and at those asked for."""
    if not (telling(first) and telling(second)):
        return []
    least = sorted((float(fit.points.means.min()) for fit in (first, second)), reverse=True)
    if least[0] < APART * least[1]:
        least = least[:1]
    return [equal_error(first, second, error) for error in dict.fromkeys((*errors, *least)) if error > 0]


def _budgets(fits: Sequence[Fit]) -> list[float]:
    """Round amounts from the smallest network to the largest."""
    low, high = min(fit.points.widths[0] for fit in fits), max(fit.points.widths[-1] for fit in fits)
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    return [budget for budget in np.outer(decades, STEPS).ravel().tolist() if low <= budget <= high]


def _tables(made: Compared, out: Path) -> None:
    ends = ("estimate", "low", "high")
    equal = [
        {
            "first": each.first,
            "second": each.second,
            "x": each.x,
            "error": each.error,
            **{f"{name}_{end}": getattr(size, end) for name, size in zip(("first", "second"), each.sizes, strict=True) for end in ends},
            **{f"ratio_{end}": getattr(each.ratio, end) if each.ratio else None for end in ends},
            "extrapolated": ", ".join(each.extrapolated),
        }
        for each in made.equal
    ]
    places = [{"cost": cost, **place.to_dict()} for cost, found in made.front.items() for place in found]
    best = [
        {
            "cost": cost,
            "budget": each.budget,
            "first": each.label,
            **{f"error_{end}": getattr(each.error, end) for end in ends},
            "share": each.share,
            "second": each.second,
            **{f"second_error_{end}": getattr(each.second_error, end) if each.second_error else None for end in ends},
            "extrapolated": ", ".join(each.extrapolated),
        }
        for cost, found in made.winners.items()
        for each in found
    ]
    met = [
        {"first": each.first, "second": each.second, "x": each.x, **asdict(each.place), "error": each.error, "within": each.within}
        for each in made.crossings
    ]
    for name, rows in (("equal_error", equal), ("front", places), ("winners", best), ("crossings", met)):
        csv.write_csv(pa.Table.from_pylist(rows), out / f"{name}.csv")
