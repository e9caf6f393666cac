"""A study's curves against each other, along every axis: who needs how much, and who wins at a budget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa

from analysis.comparison_figure import (
    BEYOND,
    CurveCrossing,
    average_over_cells,
    draw_comparison,
    find_crossings,
)
from analysis.error_figure import FILTERS_AXIS, MACS_AXIS, PARAMETERS_AXIS, FigureAxis
from analysis.laws import CurveFits, fit_laws
from analysis.report_figure import ReportFigure
from analysis.run_groups import GroupedRuns, group_runs
from scaling.fit import (
    BestAtBudget,
    Comparison,
    Fit,
    ParetoPoint,
    SizesAtError,
    best_at_budget,
    compare_all,
    compare_sizes,
    pareto_front,
    preferred_law,
)

FIRST_LAYER_AXIS = FigureAxis(
    "filters_total", "filters of the first layer", "filters of the first layer, all colours"
)
TRAINING_FLOPS_AXIS = FigureAxis(
    "training_flops", "training operations", "floating-point operations of a training"
)
CORE_TIME_AXIS = FigureAxis(
    "core_s", "training time", "seconds of one core for a training, beside its pack's others"
)
COMPARISON_AXES = (
    FILTERS_AXIS,
    FIRST_LAYER_AXIS,
    PARAMETERS_AXIS,
    MACS_AXIS,
    TRAINING_FLOPS_AXIS,
    CORE_TIME_AXIS,
)
COST_AXES = (PARAMETERS_AXIS, MACS_AXIS, TRAINING_FLOPS_AXIS, CORE_TIME_AXIS)
"""Axes on which less is better."""
EQUAL_ERROR_AXES = tuple(axis for axis in COMPARISON_AXES if axis is not CORE_TIME_AXIS)
"""Axes along which sizes of equal error are told: a time depends on the machine."""
APART = 1.02
"""Errors that differ by less are told once."""
STEPS = (1, 2, 5)
"""Budgets of a decade."""


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyComparison:
    """What was found."""

    grouped: GroupedRuns
    laws: dict[str, CurveFits]
    """By the axis."""
    pairs: tuple[Comparison, ...]
    """Of the laws along filters."""
    equal: tuple[SizesAtError, ...]
    crossings: tuple[CurveCrossing, ...]
    pareto_front: dict[str, list[ParetoPoint]]
    """By the cost."""
    best_at_budget: dict[str, list[BestAtBudget]]

    @property
    def fits(self) -> list[Fit]:
        """Along filters, one a curve."""
        return list(self.laws[FILTERS_AXIS.column].fits.values())

    @property
    def notes(self) -> tuple[str, ...]:
        return (*self.grouped.notes, *self.laws[FILTERS_AXIS.column].refused)

    def drawings(self) -> list[ReportFigure]:
        """One an axis."""
        axes = [axis for axis in COMPARISON_AXES if axis.column in self.laws]
        return [
            draw_comparison(self.grouped, self.laws[axis.column], axis, budget=axis in COST_AXES)
            for axis in axes
        ]

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "laws": [fit.to_dict() for fit in self.fits],
            "pairs": [pair.to_dict() for pair in self.pairs],
            "equal_error": [found.to_dict() for found in self.equal],
            "crossings": [asdict(crossing) for crossing in self.crossings],
            "front": {
                cost: [place.to_dict() for place in places] for cost, places in self.pareto_front.items()
            },
            "winners": {
                cost: [winner.to_dict() for winner in found] for cost, found in self.best_at_budget.items()
            },
            "notes": list(self.notes),
        }


def compare_curves(runs: pa.Table, epochs: pa.Table, *, errors: Sequence[float] = ()) -> StudyComparison:
    """Fit along every axis and compare.

    Args:
        runs: the store's runs of a study, with ``training_flops``, null where it is not known of a run, and ``core_s``.
        epochs: the store's epochs of those runs; may be empty.
        errors: at which networks are compared beside those that the data suggest.
    """
    grouped = group_runs(runs)
    grouped = replace(grouped, runs=average_over_cells(grouped.runs, CORE_TIME_AXIS.column))
    during = grouped.epochs(epochs)
    laws = {
        axis.column: fit_laws(grouped, during, axis.column)
        for axis in COMPARISON_AXES
        if not grouped.runs[axis.column].null_count
    }
    fits = {column: list(found.fits.values()) for column, found in laws.items()}
    priced = {axis.column: fits[axis.column] for axis in COST_AXES if fits.get(axis.column)}
    pairs = [
        pair
        for axis in EQUAL_ERROR_AXES
        if axis.column in fits
        for pair in combinations(fits[axis.column], 2)
    ]
    return StudyComparison(
        grouped=grouped,
        laws=laws,
        pairs=tuple(compare_all(fits[FILTERS_AXIS.column])),
        equal=tuple(found for pair in pairs for found in _equal(*pair, errors)),
        crossings=tuple(crossing for found in fits.values() for crossing in find_crossings(found)),
        pareto_front={column: pareto_front(found) for column, found in priced.items()},
        best_at_budget={
            column: best_at_budget(found, _budgets(found), max_extrapolation=BEYOND)
            for column, found in priced.items()
        },
    )


def _equal(first: Fit, second: Fit, errors: Sequence[float]) -> list[SizesAtError]:
    """At the least error that both came down to, at the least that either did, and at those asked for."""
    if not (preferred_law(first) and preferred_law(second)):
        return []
    least = sorted((float(fit.points.means.min()) for fit in (first, second)), reverse=True)
    if least[0] < APART * least[1]:
        least = least[:1]
    return [compare_sizes(first, second, error) for error in dict.fromkeys((*errors, *least)) if error > 0]


def _budgets(fits: Sequence[Fit]) -> list[float]:
    """Round amounts from the smallest network to the largest."""
    low, high = min(fit.points.widths[0] for fit in fits), max(fit.points.widths[-1] for fit in fits)
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    return [budget for budget in np.outer(decades, STEPS).ravel().tolist() if low <= budget <= high]
