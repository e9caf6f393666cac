"""Verdicts on two curves of a study: exponents, and sizes at equal error."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import ClassVar

from analysis.answers import Answer, judge_reached
from analysis.claims.claim import ClaimVerdict, Finding, Study, explain_open
from analysis.claims.evidence import Evidence
from analysis.claims.limits import judge_at_most
from analysis.comparison import StudyComparison
from analysis.figure_axes import COMPARISON_AXES
from analysis.formatting import format_interval, format_percent, format_size
from scaling.fit import Interval, SizesAtError
from scaling.fit.comparison.exponents import EQUIVALENCE_MARGIN, ExponentConclusion

_AXES = {axis.column: axis.name for axis in COMPARISON_AXES}
_VERDICTS = {
    ExponentConclusion.EQUAL: ClaimVerdict.HOLDS,
    ExponentConclusion.DIFFERENT: ClaimVerdict.FAILS,
    ExponentConclusion.UNDECIDED: ClaimVerdict.UNCLEAR,
}
_REACHED = {
    Answer.YES: ClaimVerdict.HOLDS,
    Answer.NO: ClaimVerdict.FAILS,
    Answer.UNCLEAR: ClaimVerdict.UNCLEAR,
}


@dataclass(frozen=True)
class EqualExponents:
    """Two curves have equal exponents, within a margin."""

    command: ClassVar[str] = "compare"
    first: str
    second: str

    @property
    def criterion(self) -> str:
        return (
            f"Holds if the 90 % interval of the difference of the exponents of {self.first} and"
            f" {self.second} lies within {EQUIVALENCE_MARGIN:g} (two one-sided tests at 5 %). Does not hold"
            " if the 95 % interval excludes 0 and equality is not shown."
        )

    def judge(self, evidence: Evidence, study: Study) -> Finding:
        comparison = evidence.comparison(study)
        names = {self.first, self.second}
        pair = next((pair for pair in comparison.pairs if {pair.first, pair.second} == names), None)
        if pair is None:
            return Finding.unknown(f"{self.first} and {self.second} have no usable laws to compare")
        finding = Finding(
            verdict=_VERDICTS[pair.conclusion],
            measured=(
                f"Exponent of {pair.first} minus that of {pair.second}: {format_interval(pair.difference)}."
            ),
            quantity="difference of the exponents",
            interval=pair.difference,
            n=_count_runs(comparison, names),
        )
        return explain_open(finding, f"neither different nor equal within {pair.margin:g}")


@dataclass(frozen=True)
class NoLargerAtEqualError:
    """A network needs no larger size than another one for the same error, up to a margin."""

    command: ClassVar[str] = "compare"
    network: str
    reference: str
    x: str
    """Column of the size."""
    margin: float
    """Share of the reference's size by which the network may be larger."""

    @property
    def criterion(self) -> str:
        limit = f"{1 + self.margin:g} times those of" if self.margin else "those of"
        return (
            f"Holds if the 95 % interval of the {_AXES[self.x]} of {self.network}, at the lowest error that"
            f" both curves reached, lies at or below {limit} {self.reference}. Does not hold if it lies"
            " above."
        )

    def judge(self, evidence: Evidence, study: Study) -> Finding:
        comparison = evidence.comparison(study)
        sizes = _equal_errors(comparison, self.network, self.reference, self.x)
        if not sizes:
            return Finding.unknown(f"{self.network} and {self.reference} have no usable laws along {self.x}")
        both_reached = max(sizes, key=lambda size: size.error)
        if both_reached.ratio is None:
            return Finding.unknown("neither law falls to an error that both curves reached")
        is_first = both_reached.first == self.network
        ratio = both_reached.ratio if is_first else _invert(both_reached.ratio)
        finding = Finding(
            verdict=judge_at_most(ratio, 1 + self.margin),
            measured=(
                f"At an error of {format_percent(both_reached.error)}, {self.network} needs"
                f" {format_size(ratio)} times the {_AXES[self.x]} of {self.reference}."
            ),
            quantity=f"{_AXES[self.x]} of {self.network} over those of {self.reference}, at equal error",
            interval=ratio,
            n=_count_runs(comparison, {self.network, self.reference}),
        )
        return explain_open(finding, f"the interval contains {1 + self.margin:g}")


@dataclass(frozen=True)
class ReachesError:
    """A network reaches the lowest mean error of another one, if it gets wide enough."""

    command: ClassVar[str] = "compare"
    network: str
    reference: str

    @property
    def criterion(self) -> str:
        return (
            f"Holds if the 95 % interval of the filters that {self.network} needs for the lowest mean error"
            f" of {self.reference} is finite. Does not hold if no law within the interval ever reaches it."
        )

    def judge(self, evidence: Evidence, study: Study) -> Finding:
        comparison = evidence.comparison(study)
        sizes = _equal_errors(comparison, self.network, self.reference, "filters")
        if not sizes:
            return Finding.unknown(f"{self.network} and {self.reference} have no usable laws along filters")
        lowest = min(sizes, key=lambda size: size.error)
        needed = _size_of(lowest, self.network)
        macs = [
            f" and {format_size(_size_of(size, self.network))} {_AXES['macs']}"
            for size in _equal_errors(comparison, self.network, self.reference, "macs")
            if size.error == lowest.error
        ]
        beyond = ", an extrapolation" if self.network in lowest.extrapolated else ""
        finding = Finding(
            verdict=_REACHED[judge_reached(needed)],
            measured=(
                f"For an error of {format_percent(lowest.error)}, {self.network} needs {format_size(needed)}"
                f" filters{''.join(macs)}{beyond}."
            ),
            quantity=f"filters of {self.network} for an error of {format_percent(lowest.error)}",
            interval=needed,
            n=_count_runs(comparison, {self.network, self.reference}),
        )
        return explain_open(finding, "laws within the interval have floors above the error")


def _equal_errors(comparison: StudyComparison, first: str, second: str, x: str) -> list[SizesAtError]:
    names = {first, second}
    return [
        sizes for sizes in comparison.equal_errors if {sizes.first, sizes.second} == names and sizes.x == x
    ]


def _size_of(sizes: SizesAtError, network: str) -> Interval:
    return sizes.sizes[0 if sizes.first == network else 1]


def _invert(ratio: Interval) -> Interval:
    low, high = (1 / end if end else inf for end in (ratio.high, ratio.low))
    return Interval(estimate=1 / ratio.estimate if ratio.estimate else inf, low=low, high=high)


def _count_runs(comparison: StudyComparison, names: set[str]) -> int:
    return sum(len(fit.points.y) for fit in comparison.fits if fit.label in names)
