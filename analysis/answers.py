"""Answers that a comparison gives first: who reaches whom, the filters for an error, the best at a budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, groupby
from math import floor, inf, isinf, log10

import pyarrow as pa

from analysis.figure_axes import COST_AXES, FILTERS_AXIS, FigureAxis
from analysis.formatting import NO_VALUE, format_count, format_mean, format_percent, format_size
from analysis.laws import describe_exponent
from analysis.laws_text import describe_size
from analysis.style import amount_ticks
from scaling.fit import BestAtBudget, Fit, Interval, Law, preferred_law, size_for_error

_ROUND = (10, 15, 20, 25, 30, 40, 50, 60, 80, 100)
"""First two digits of a round error."""
_MAX_CURVES_IN_PAIRS = 4
"""Largest number of curves of which every pair is asked; of more curves, each is asked about the best one."""


class Answer(StrEnum):
    """Answer to a question of yes or no."""

    YES = "yes"
    NO = "no"
    UNCLEAR = "cannot tell"


@dataclass(frozen=True, kw_only=True)
class AnswerRow:
    """Answer about one curve, one pair of curves, or one cost."""

    subject: str
    value: str
    """Number with its interval, or names of curves."""
    verdict: str
    """Answer, status of a law, or how sure the answer is; may be empty."""


@dataclass(frozen=True, kw_only=True)
class AnsweredQuestion:
    """A question with its answers."""

    question: str
    rows: tuple[AnswerRow, ...]


def answer_questions(
    fits: Sequence[Fit],
    best_at_budgets: Mapping[str, Sequence[BestAtBudget]],
    *,
    errors: Sequence[float] = (),
) -> list[AnsweredQuestion]:
    """Return the answers about several networks; an empty list if fewer than two have a law.

    Args:
        fits: fits along filters, one for each network.
        best_at_budgets: the best network at round budgets, by the column of the cost.
        errors: errors for which the filters are asked; by default a round error that some curve reached.
    """
    laws = [(fit, law) for fit in fits if (law := preferred_law(fit))]
    if len(laws) < 2:
        return []
    lowest = min(_lowest_error(fit) for fit, _ in laws)
    questions = [
        AnsweredQuestion(
            question="Does a network reach the lowest mean error of another? At how many filters?",
            rows=tuple(_reach_rows(laws)),
        ),
        *(
            AnsweredQuestion(
                question=f"How many {FILTERS_AXIS.name} for an error of {100 * error:.3g} %?",
                rows=tuple(_size_row(fit, law, error) for fit, law in laws),
            )
            for error in errors or [round_up(lowest)]
        ),
        AnsweredQuestion(
            question="Is it a power law? How far can the fit be trusted?",
            rows=tuple(_law_row(fit, law) for fit, law in laws),
        ),
        AnsweredQuestion(
            question="Which network has the lowest error within a budget?",
            rows=tuple(
                _budget_row(axis, best) for axis in COST_AXES if (best := best_at_budgets.get(axis.column))
            ),
        ),
    ]
    return [question for question in questions if question.rows]


def answer_mean_errors(means: pa.Table) -> list[AnsweredQuestion]:
    """Return the mean error of each network, the smallest first, for a study without scaling laws.

    Args:
        means: means over seeds, as ``mean_errors`` gives them.
    """
    rows = means.sort_by("mean_error").to_pylist()
    answers = tuple(
        AnswerRow(
            subject=row["group"],
            value=format_mean(row),
            verdict=f"{format_count(row['runs'], 'run')}, {format_count(row['parameters'], 'parameter')}",
        )
        for row in rows
    )
    return (
        [AnsweredQuestion(question="What is the mean error of each network?", rows=answers)] if rows else []
    )


def judge_reached(size: Interval) -> Answer:
    """Return whether a law reaches an error: yes if the interval of the size is finite."""
    if size.high < inf:
        return Answer.YES
    return Answer.NO if isinf(size.low) else Answer.UNCLEAR


def round_up(error: float) -> float:
    """Return the smallest round error that is at least as large: 0.196 gives 0.2."""
    decade = 10.0 ** (floor(log10(error)) - 1)
    return next(digits * decade for digits in _ROUND if digits * decade >= error * (1 - 1e-9))


def _reach_rows(laws: Sequence[tuple[Fit, Law]]) -> Iterator[AnswerRow]:
    """Yield a row for each pair, about the curve whose lowest mean error is larger."""
    worst_first = sorted(laws, key=lambda entry: -_lowest_error(entry[0]))
    pairs = list(combinations(worst_first, 2))
    if len(laws) > _MAX_CURVES_IN_PAIRS:
        pairs = [(entry, worst_first[-1]) for entry in worst_first[:-1]]
    for (fit, law), (better, _) in pairs:
        error = _lowest_error(better)
        size = size_for_error(fit, error, form=law.form.name)
        yield AnswerRow(
            subject=f"{fit.label} to the {format_percent(error)} of {better.label}",
            value=format_size(size),
            verdict=judge_reached(size),
        )


def _lowest_error(fit: Fit) -> float:
    """Return the lowest mean error above 0, which a law can reach."""
    means = fit.points.means
    return float(means[means > 0].min())


def _size_row(fit: Fit, law: Law, error: float) -> AnswerRow:
    size = size_for_error(fit, error, form=law.form.name)
    return AnswerRow(subject=fit.label, value=format_size(size), verdict=describe_size(fit, error, size))


def _law_row(fit: Fit, law: Law) -> AnswerRow:
    exponent = describe_exponent(law)
    return AnswerRow(subject=fit.label, value=f"{fit.verdict.choice}, ρ = {exponent}", verdict=law.status)


def _budget_row(axis: FigureAxis, budgets: Sequence[BestAtBudget]) -> AnswerRow:
    """Return the best curves from the smallest budget to the largest."""
    amount, parts = amount_ticks(axis.unit), []
    for label, group in groupby(budgets, lambda best: best.label):
        amounts = [amount(best.budget) for best in group]
        parts.append(f"{label}: {' to '.join(dict.fromkeys((amounts[0], amounts[-1])))}")
    shares = [f"{100 * best.share_best:.0f}" for best in budgets if best.share_best is not None]
    extremes = dict.fromkeys((min(shares, key=float), max(shares, key=float))) if shares else ()
    return AnswerRow(
        subject=axis.name,
        value="; ".join(parts),
        verdict=f"{' to '.join(extremes)} % of resamples" if extremes else NO_VALUE,
    )
