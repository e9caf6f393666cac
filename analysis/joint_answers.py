"""Answers of a joint law of filters and training images: the largest sizes, and what larger ones would buy.

N: filters. D: training images.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from analysis.answers import Answer, AnsweredQuestion, AnswerRow
from analysis.formatting import (
    format_count,
    format_interval,
    format_points,
    format_response,
    format_size_of,
    plural_of,
)
from analysis.joint_laws import JointLaws, describe_joint_law
from analysis.style import amount_ticks
from scaling.fit import Interval, JointFit, JointLaw, Status
from scaling.fit.interval import FloatArray
from scaling.fit.joint_result import JointDraws


@dataclass(frozen=True, kw_only=True)
class JointFinding:
    """Statement of a joint law in words, and how far to trust it."""

    label: str
    """Name of the group."""
    sentence: str
    """Error at the largest sizes, and what twice as much of each would remove."""
    law: str
    """The law with its numbers."""
    status: Status
    reason: str
    """Reasons of the status; empty for a usable law."""
    basis: str
    """Numbers of runs and of pairs of sizes, and the estimand."""
    questions: tuple[AnsweredQuestion, ...]
    """Answers; none by a rejected law."""

    def __str__(self) -> str:
        reason = f": {self.reason}" if self.reason else ""
        return f"{self.label}: {self.sentence} {self.law} ({self.status}{reason}; {self.basis})"


@dataclass(frozen=True, kw_only=True, eq=False)
class _LargestSizes:
    """A joint law at the largest measured pair of sizes."""

    fit: JointFit
    law: JointLaw
    cell: int
    """Number of the pair."""

    @property
    def sizes(self) -> FloatArray:
        """N and D: [2]."""
        return np.asarray(self.fit.points.cell_sizes[self.cell])

    @property
    def mean(self) -> Interval:
        """Measured mean error, with Student's interval over runs."""
        return Interval.of_mean(self.fit.points.y[self.fit.points.width_index == self.cell], at_least=0.0)

    @property
    def fitted(self) -> Interval:
        """Mean error by the law."""
        return self.law.derived_interval(lambda draws: self.predict(draws, 1, 1))

    def size_text(self, axis: int, factor: float = 1.0) -> str:
        """Return ``16 filters`` for N (axis 0) or D (axis 1), times a factor."""
        return format_size_of(self.fit.points.names[axis], factor * self.sizes[axis])

    def predict(self, draws: JointDraws, *factors: float) -> FloatArray:
        """Return the error of each draw, with both sizes multiplied: [draws]."""
        return np.asarray(draws.evaluate((self.sizes * factors)[None])[:, 0])

    def gain(self, *factors: float) -> Interval:
        """Return the share of the error that larger sizes remove."""
        return self.law.derived_interval(
            lambda draws: 1 - self.predict(draws, *factors) / self.predict(draws, 1, 1)
        )


def describe_joint_findings(laws: JointLaws) -> list[JointFinding]:
    """Return what each joint law says."""
    return [_describe(fit, law) for fit, law in laws.with_law]


def _describe(fit: JointFit, law: JointLaw) -> JointFinding:
    points, is_usable = fit.points, law.status is not Status.REJECTED
    largest = _LargestSizes(fit=fit, law=law, cell=int(points.log_sizes.sum(axis=1).argmax()))
    pair = " and ".join(largest.size_text(axis) for axis in (0, 1))
    pairs = format_count(len(points.widths), "pair")
    return JointFinding(
        label=fit.label,
        sentence=(
            f"With {pair}, the mean error is {format_response(points, largest.mean)}"
            f"{_promise(largest) if is_usable else '.'}"
        ),
        law=describe_joint_law(fit, law),
        status=law.status,
        reason=law.reason,
        basis=f"{format_count(len(points.y), 'run')} at {pairs} of sizes; {fit.estimand}",
        questions=_answer(largest, pair) if is_usable else (),
    )


def _answer(largest: _LargestSizes, pair: str) -> tuple[AnsweredQuestion, ...]:
    rows = {
        f"The error with {pair}": _error_rows(largest),
        "How much of it would larger sizes remove?": _gain_rows(largest),
        "Which sizes have the smallest error for a cost of training?": _frontier_rows(largest.fit),
    }
    questions = (AnsweredQuestion(question=text, rows=tuple(answers)) for text, answers in rows.items())
    return tuple(question for question in questions if question.rows)


def _promise(largest: _LargestSizes) -> str:
    """Return what the law says there, and what twice as much of each size would remove."""
    gains = [(largest.gain(2, 1), 0), (largest.gain(1, 2), 1)]
    (most, first), (least, second) = sorted(gains, key=lambda gain: -gain[0].estimate)
    names = [plural_of(name) for name in largest.fit.points.names]
    return (
        f", and by the joint law {format_response(largest.fit.points, largest.fitted)}."
        f" By this law, twice the {names[first]} would remove {format_interval(most, percent=True)} of the"
        f" error, and twice the {names[second]} {format_interval(least, percent=True)}."
    )


def _error_rows(largest: _LargestSizes) -> Iterator[AnswerRow]:
    """Yield the measured mean, the law there, and the terms that the law is the sum of."""
    points, law = largest.fit.points, largest.law
    mean, fitted = largest.mean, largest.fitted
    ratio = fitted.estimate / mean.estimate - 1 if mean.estimate else 0.0
    miss = f"{abs(100 * ratio):.0f} % {'below' if ratio < 0 else 'above'} the mean"
    runs = format_count(int(points.counts[largest.cell]), "run")
    yield AnswerRow(subject="measured mean", value=format_response(points, mean), verdict=f"of {runs}")
    yield AnswerRow(subject="joint law", value=format_response(points, fitted), verdict=miss)
    for axis, symbol in enumerate(("A N^-α", "B D^-β")):
        part = law.derived_interval(partial(_term, axis=axis, size=float(largest.sizes[axis])))
        yield AnswerRow(
            subject=f"part that more {plural_of(points.names[axis])} remove, {symbol}",
            value=format_response(points, part),
            verdict="",
        )
    yield AnswerRow(
        subject="part that neither removes, E",
        value=format_response(points, law.parameters["floor"]),
        verdict="",
    )


def _term(draws: JointDraws, axis: int, size: float) -> FloatArray:
    amplitude, exponent = draws.parameters[:, 2 * axis], draws.parameters[:, 2 * axis + 1]
    return np.asarray(amplitude * size**-exponent)


def _gain_rows(largest: _LargestSizes) -> Iterator[AnswerRow]:
    """Yield what twice as much of each size and of both removes, and whether one of them removes more."""
    texts = [largest.size_text(axis, 2.0) for axis in (0, 1)]
    for subject, factors in ((texts[0], (2, 1)), (texts[1], (1, 2)), (" and ".join(texts), (2, 2))):
        yield AnswerRow(
            subject=subject,
            value=format_interval(largest.gain(*factors), percent=True),
            verdict="beyond the data",
        )
    difference = largest.law.derived_interval(
        lambda draws: (
            (largest.predict(draws, 2, 1) - largest.predict(draws, 1, 2)) / largest.predict(draws, 1, 1)
        )
    )
    first, second = (plural_of(name) for name in largest.fit.points.names)
    yield AnswerRow(
        subject=f"Do twice the {second} remove more than twice the {first}?",
        value=f"{format_points(difference)} more",
        verdict=_judge_sign(difference),
    )


def _judge_sign(difference: Interval) -> Answer:
    if difference.low > 0:
        return Answer.YES
    return Answer.NO if difference.high < 0 else Answer.UNCLEAR


def _frontier_rows(fit: JointFit) -> Iterator[AnswerRow]:
    """Yield the optimal sizes at round costs at which they are no smaller than the smallest measured ones."""
    if fit.frontier is None:
        return
    sizes, amounts = fit.points.cell_sizes, amount_ticks()
    low, high = np.log10(fit.frontier.cost.measured)
    for budget in 10.0 ** np.arange(np.ceil(low), np.floor(high) + 2):
        optimum = fit.frontier.at(budget)
        optimal = np.array([size.estimate for size in optimum.sizes])
        if (optimal >= sizes.min(axis=0)).all() and np.isfinite(optimal).all():
            beyond = "" if (optimal <= sizes.max(axis=0)).all() else ", beyond the data"
            yield AnswerRow(
                subject=f"{amounts(budget)} FLOPs",
                value=", ".join(
                    f"{format_interval(size)} {plural_of(name)}"
                    for size, name in zip(optimum.sizes, fit.points.names, strict=True)
                ),
                verdict=f"{format_response(fit.points, optimum.error)}{beyond}",
            )
