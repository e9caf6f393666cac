"""Comparison of a study's curves: sizes at equal error, crossings, Pareto fronts, best curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa

from analysis.answers import AnsweredQuestion, answer_questions
from analysis.comparison_figure import MAX_EXTRAPOLATION, CurveCrossing, draw_comparison, find_crossings
from analysis.figure_axes import COMPARISON_AXES, CORE_TIME_AXIS, COST_AXES, EQUAL_ERROR_AXES, FILTERS_AXIS
from analysis.laws import ONE_WIDTH_NOTE, CurveFits, fit_laws
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

_MIN_ERROR_RATIO = 1.02
"""Errors closer than this ratio are merged."""
_BUDGETS_PER_DECADE = (1, 2, 5)


@dataclass(frozen=True, kw_only=True, eq=False)
class StudyComparison:
    """Comparison of the curves of a study, along every axis."""

    grouped: GroupedRuns
    laws: dict[str, CurveFits]
    """Fits by the column of the axis."""
    pairs: tuple[Comparison, ...]
    """Comparisons of the laws along filters, pair by pair."""
    equal_errors: tuple[SizesAtError, ...]
    crossings: tuple[CurveCrossing, ...]
    pareto_fronts: dict[str, list[ParetoPoint]]
    """Pareto front by the column of the cost."""
    best_at_budgets: dict[str, list[BestAtBudget]]
    """Best curve at round budgets, by the column of the cost."""
    errors: tuple[float, ...]
    """Errors at which sizes are compared on request."""

    @property
    def fits(self) -> list[Fit]:
        """Fits along filters, one for each curve."""
        return self.laws[FILTERS_AXIS.column].fits

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about settings that change along a curve, and about curves without a law."""
        fits = self.laws[FILTERS_AXIS.column]
        rejected = [fit.label for fit in fits.fits if not preferred_law(fit)]
        return (
            *self.grouped.notes,
            *([] if fits.several_sizes else [ONE_WIDTH_NOTE]),
            *fits.failures,
            *(f"{label} has no usable law." for label in rejected),
        )

    def draw_figures(self) -> list[ReportFigure]:
        """Draw a figure for each axis."""
        return [
            draw_comparison(
                self.grouped,
                self.laws[axis.column],
                axis=axis,
                crossings=[crossing for crossing in self.crossings if crossing.x == axis.column],
            )
            for axis in COMPARISON_AXES
            if axis.column in self.laws
            and (axis in COST_AXES or self.laws[FILTERS_AXIS.column].several_sizes)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON values."""
        return {
            "laws": [fit.to_dict() for fit in self.fits],
            "pairs": [pair.to_dict() for pair in self.pairs],
            "equal_error": [sizes.to_dict() for sizes in self.equal_errors],
            "crossings": [asdict(crossing) for crossing in self.crossings],
            "pareto_front": {
                cost: [point.to_dict() for point in points] for cost, points in self.pareto_fronts.items()
            },
            "best_at_budget": {
                cost: [best.to_dict() for best in budgets] for cost, budgets in self.best_at_budgets.items()
            },
            "notes": list(self.notes),
        }


def compare_curves(runs: pa.Table, epochs: pa.Table, *, errors: Sequence[float] = ()) -> StudyComparison:
    """Fit the curves along every axis, and compare them.

    Args:
        runs: the store's runs of a study, with the further columns ``training_flops`` (null where unknown)
            and ``core_s``.
        epochs: the store's epochs of those runs; may be empty.
        errors: errors at which sizes are compared, in addition to the errors that the data suggest.
    """
    grouped = group_runs(runs)
    grouped = replace(grouped, runs=_average_over_cells(grouped.runs, CORE_TIME_AXIS.column))
    run_epochs = grouped.select_epochs(epochs)
    laws = {
        axis.column: fit_laws(grouped, run_epochs, x=axis.column)
        for axis in COMPARISON_AXES
        if not grouped.runs[axis.column].null_count
    }
    fits = {column: curve_fits.fits for column, curve_fits in laws.items()}
    by_cost = {axis.column: fits[axis.column] for axis in COST_AXES if fits.get(axis.column)}
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
        equal_errors=tuple(sizes for pair in pairs for sizes in _compare_pair(*pair, errors=errors)),
        crossings=tuple(crossing for curves in fits.values() for crossing in find_crossings(curves)),
        pareto_fronts={column: pareto_front(curves) for column, curves in by_cost.items()},
        best_at_budgets=find_best_at_budgets(fits),
        errors=tuple(errors),
    )


def answer_about_networks(
    grouped: GroupedRuns, laws: Mapping[str, CurveFits], *, errors: Sequence[float] = ()
) -> list[AnsweredQuestion]:
    """Return the answers about the networks that are trained on the most images.

    Args:
        grouped: the runs.
        laws: fits by the column of the axis.
        errors: errors for which the filters are asked; by default a round error that some curve reached.
    """
    labels = grouped.labels_with_most_images
    fits = {
        column: [fit for label, fit in curves.by_label.items() if label in labels]
        for column, curves in laws.items()
    }
    return answer_questions(fits[FILTERS_AXIS.column], find_best_at_budgets(fits), errors=errors)


def find_best_at_budgets(fits: Mapping[str, Sequence[Fit]]) -> dict[str, list[BestAtBudget]]:
    """Return the best curve at round budgets, by the column of the cost.

    Args:
        fits: fits of the curves, by the column of the axis.
    """
    return {
        axis.column: best_at_budget(curves, _budgets(curves), max_extrapolation=MAX_EXTRAPOLATION)
        for axis in COST_AXES
        if (curves := fits.get(axis.column))
    }


def _average_over_cells(runs: pa.Table, column: str) -> pa.Table:
    """Replace a measured column, such as a time, by its mean over each cell: replicas share their size."""
    cells = runs.group_by(["group", "filters"], use_threads=False).aggregate([(column, "mean")])
    joined = (
        runs.drop_columns(column)
        .append_column("row", pa.array(range(len(runs))))
        .join(cells, ["group", "filters"])
    )
    return joined.sort_by("row").drop_columns("row").rename_columns({f"{column}_mean": column})


def _compare_pair(first: Fit, second: Fit, *, errors: Sequence[float]) -> list[SizesAtError]:
    """Compare sizes at given errors, the lowest error that both reached, and the lowest that either did."""
    if not (preferred_law(first) and preferred_law(second)):
        return []
    lowest = sorted((float(fit.points.means.min()) for fit in (first, second)), reverse=True)
    if lowest[0] < _MIN_ERROR_RATIO * lowest[1]:
        lowest = lowest[:1]
    return [
        compare_sizes(first, second, error=error) for error in dict.fromkeys((*errors, *lowest)) if error > 0
    ]


def _budgets(fits: Sequence[Fit]) -> list[float]:
    """Return round amounts from the smallest network to the largest."""
    low, high = min(fit.points.widths[0] for fit in fits), max(fit.points.widths[-1] for fit in fits)
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    budgets = np.outer(decades, _BUDGETS_PER_DECADE).ravel().tolist()
    return [budget for budget in budgets if low <= budget <= high]
