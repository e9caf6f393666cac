"""A comparison in words: the sentences and tables that the terminal and the page share."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from math import inf

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from analysis.comparison import COMPARISON_AXES, EQUAL_ERROR_AXES, StudyComparison
from analysis.formatting import format_count, format_interval
from analysis.laws_text import describe_pair
from analysis.style import amount_ticks
from scaling.fit import BestAtBudget, Fit, SizesAtError, preferred_law

HEADINGS = {axis.column: axis.heading for axis in COMPARISON_AXES}


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """A table of words."""

    title: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[str] = frozenset()
    """Columns of numbers, set to the right."""


def summary_sentences(made: StudyComparison) -> list[str]:
    """A curve: the law that it is followed by, and how far to trust it. A pair of curves: exponents, and where their laws meet."""
    return [*map(_followed, made.fits), *(describe_pair("filters", pair) for pair in made.pairs)]


def _followed(fit: Fit) -> str:
    law = preferred_law(fit)
    if law is None:
        return f"{fit.label}: no law that could be followed"
    doubt = f" ({law.reason})" if law.reason else ""
    return f"{fit.label}: followed along filters by {law.form.formula}, {law.status}{doubt}; {fit.estimand}, {format_count(len(fit.points.x), 'run')}"


def comparison_tables(made: StudyComparison) -> list[TextTable]:
    """Sizes at equal error, and who wins at a budget."""
    equal = [_equal(made.equal)] if made.equal else []
    return equal + [_winners(cost, found) for cost, found in made.best_at_budget.items() if found]


def render_comparison(made: StudyComparison) -> Group:
    """For the terminal."""
    shown = []
    for tabled in comparison_tables(made):
        table = Table(title=tabled.title, caption=tabled.caption)
        for column in tabled.columns:
            table.add_column(column, justify="right" if column in tabled.right else "left")
        for row in tabled.rows:
            table.add_row(*map(escape, row))
        shown.append(table)
    return Group(*map(Text, summary_sentences(made)), *shown)


def _equal(found: tuple[SizesAtError, ...]) -> TextTable:
    rows = []
    ordered = sorted(
        found, key=lambda each: (each.first, each.second, -each.error)
    )  # stable, so axes keep their order
    for (first, second, error), same in groupby(ordered, lambda each: (each.first, each.second, each.error)):
        along = {each.x: each for each in same}
        ratios = [_ratio(along[axis.column]) if axis.column in along else "–" for axis in EQUAL_ERROR_AXES]
        beyond = dict.fromkeys(label for each in along.values() for label in each.extrapolated)
        rows.append((first, second, f"{100 * error:.3g} %", *ratios, ", ".join(beyond)))
    return TextTable(
        title="The first over the second, at equal error",
        caption="95 % intervals. Each law is of the form that its points ask for; extrapolated are those followed beyond what was measured.",
        columns=(
            "first",
            "second",
            "error",
            *(HEADINGS[axis.column] for axis in EQUAL_ERROR_AXES),
            "extrapolated",
        ),
        rows=tuple(rows),
        right=frozenset({"error"}),
    )


def _ratio(found: SizesAtError) -> str:
    if found.ratio is None:
        return "neither ever"
    never = {0.0: f"{found.second} never", inf: f"{found.first} never"}.get(found.ratio.estimate)
    return never or format_interval(found.ratio).replace("inf", "never")


def _winners(cost: str, found: list[BestAtBudget]) -> TextTable:
    rows = []
    for each in found:
        error, second = (
            format_interval(error, unit=0.01) + " %" if error else "–"
            for error in (each.error, each.runner_up_error)
        )
        share = "–" if each.share_best is None else f"{100 * each.share_best:.0f} %"
        rows.append(
            (
                amount_ticks().format_eng(each.budget),
                each.label,
                error,
                share,
                each.runner_up or "–",
                second,
                ", ".join(each.extrapolated),
            )
        )
    return TextTable(
        title=f"The least error for a budget of {HEADINGS[cost]}",
        caption="By the laws, with their 95 % intervals, and in how many of the resampled laws that curve is the best.",
        columns=(
            "up to",
            "best",
            "its error",
            "of resampled laws",
            "next",
            "the next one's error",
            "extrapolated",
        ),
        rows=tuple(rows),
        right=frozenset({"up to", "of resampled laws"}),
    )
