"""Sentences and tables of a comparison, which the terminal and the page share."""

from __future__ import annotations

from itertools import groupby
from math import inf

from rich.console import Group
from rich.text import Text

from analysis.comparison import StudyComparison
from analysis.figure_axes import COST_AXES, EQUAL_ERROR_AXES, FILTERS_AXIS, FigureAxis
from analysis.formatting import NO_VALUE, format_count, format_interval, format_size
from analysis.laws_text import describe_conclusion, describe_crossing
from analysis.style import amount_ticks
from analysis.text_table import TextTable
from scaling.fit import BestAtBudget, Fit, SizesAtError, preferred_law


def comparison_tables(comparison: StudyComparison) -> list[TextTable]:
    """Return tables of the sizes at equal error, of the best curve at each budget, and of pairs of laws."""
    return [*equal_error_tables(comparison), *budget_tables(comparison), *pair_tables(comparison)]


def equal_error_tables(comparison: StudyComparison) -> list[TextTable]:
    """Return the table of the sizes at equal error; none without such sizes."""
    return [_equal_error_table(comparison)] if comparison.equal_errors else []


def budget_tables(comparison: StudyComparison) -> list[TextTable]:
    """Return a table of the best curve at each budget, for each cost."""
    budgets = ((axis, comparison.best_at_budgets.get(axis.column)) for axis in COST_AXES)
    return [_budget_table(axis, at_budgets) for axis, at_budgets in budgets if at_budgets]


def pair_tables(comparison: StudyComparison) -> list[TextTable]:
    """Return the table that compares the laws of each pair of curves; none for a single curve."""
    rows = tuple(
        (
            pair.first,
            pair.second,
            format_interval(pair.difference),
            describe_conclusion(pair),
            describe_crossing(FILTERS_AXIS.name, pair),
        )
        for pair in comparison.pairs
    )
    table = TextTable(
        title="Laws of two curves along filters",
        caption="difference of ρ: exponent of the first law minus that of the second, with a 95 % interval.",
        columns=("first", "second", "difference of ρ", "exponents", "crossing"),
        rows=rows,
    )
    return [table] if rows else []


def render_comparison(comparison: StudyComparison) -> Group:
    """Return the sentences and tables for the terminal."""
    return Group(
        *(Text(_describe_law(fit)) for fit in comparison.fits),
        *comparison_tables(comparison),
    )


def _describe_law(fit: Fit) -> str:
    law = preferred_law(fit)
    if law is None:
        return f"{fit.label}: no usable law"
    reason = f" ({law.reason})" if law.reason else ""
    runs = format_count(len(fit.points.x), "run")
    return f"{fit.label}: law along filters: {law.form.formula}, {law.status}{reason}; {fit.estimand}, {runs}"


def _equal_error_table(comparison: StudyComparison) -> TextTable:
    rows, number = [], comparison.grouped.labels.index
    # Sorting is stable, so the axes keep their order.
    ordered = sorted(
        comparison.equal_errors, key=lambda sizes: (number(sizes.first), number(sizes.second), -sizes.error)
    )
    for (first, second, error), group in groupby(
        ordered, lambda sizes: (sizes.first, sizes.second, sizes.error)
    ):
        by_axis = {sizes.x: sizes for sizes in group}
        ratios = [
            _format_ratio(by_axis[axis.column]) if axis.column in by_axis else NO_VALUE
            for axis in EQUAL_ERROR_AXES
        ]
        extrapolated = dict.fromkeys(label for sizes in by_axis.values() for label in sizes.extrapolated)
        rows.append((first, second, f"{100 * error:.3g} %", *ratios, ", ".join(extrapolated)))
    return TextTable(
        title="Size of the first curve divided by that of the second, at equal error",
        caption=(
            "95 % intervals. Each law has the form that the verdict selects. extrapolated: curves whose law"
            " is used outside the measured range. never: the first law does not reach the error. A limit of"
            " 0: the second law may not reach the error. A law lies above its mean where the"
            " mean of some size is as low as the error, but the law is not."
        ),
        columns=("first", "second", "error", *(axis.name for axis in EQUAL_ERROR_AXES), "extrapolated"),
        rows=tuple(rows),
        right=frozenset({"error"}),
    )


def _format_ratio(sizes: SizesAtError) -> str:
    """Return the ratio, or why there is none: which law lies above the error, measured there or not."""
    if sizes.ratio is not None and 0 < sizes.ratio.estimate < inf:
        return format_size(sizes.ratio)
    above = [
        label
        for label, size in zip((sizes.first, sizes.second), sizes.sizes, strict=True)
        if size.estimate == inf
    ]
    unmeasured = [label for label in above if label not in sizes.measured]
    parts = [f"the law of {label} lies above its mean" for label in above if label in sizes.measured]
    if unmeasured:
        parts.append(
            "neither law reaches it" if len(unmeasured) > 1 else f"{unmeasured[0]} does not reach it"
        )
    return "; ".join(parts)


def _budget_table(axis: FigureAxis, budgets: list[BestAtBudget]) -> TextTable:
    amounts = amount_ticks(axis.unit)
    rows = tuple(
        (
            amounts(best.budget),
            best.label,
            format_interval(best.error, percent=True),
            NO_VALUE if best.share_best is None else f"{100 * best.share_best:.0f} %",
            best.runner_up or NO_VALUE,
            format_interval(best.runner_up_error, percent=True) if best.runner_up_error else NO_VALUE,
            ", ".join(best.extrapolated),
        )
        for best in budgets
    )
    return TextTable(
        title=f"Lowest error within a budget of {axis.name}",
        caption=(
            "Errors are predictions of the laws, with 95 % intervals. share of resamples: share of"
            " bootstrap resamples in which the best curve has the lowest error by every form that the"
            " verdicts do not exclude."
        ),
        columns=(
            "budget",
            "best curve",
            "error",
            "share of resamples",
            "second best",
            "its error",
            "extrapolated",
        ),
        rows=rows,
        right=frozenset({"budget", "share of resamples"}),
    )
