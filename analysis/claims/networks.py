"""Verdicts on the networks that rebuild published systems: order, equal quality, rejection, counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from analysis.claims.claim import ClaimVerdict, Finding, Study, explain_open
from analysis.claims.evidence import Evidence
from analysis.claims.limits import MARGIN, judge_at_most
from analysis.formatting import format_interval
from analysis.history import HistoryRow, MeasuredError, format_difference
from analysis.history_order import difference_of_errors
from scaling.fit import Interval


@dataclass(frozen=True)
class Rebuilt:
    """A network that rebuilds a system."""

    system: str
    """Name of the system."""
    study: str
    """Name of the study's file."""

    def select(self, evidence: Evidence) -> HistoryRow:
        """Return its row of the table of systems."""
        return next(
            row
            for row in evidence.history(self.system).rows
            if row.system.name == self.system and row.network and row.network.rebuild.study == self.study
        )


def _not_trained(*rows: HistoryRow) -> Finding:
    names = " and ".join(row.system.name for row in rows if row.measured is None)
    return Finding.unknown(f"no run of {names} is stored")


def _errors_text(*rows: HistoryRow) -> str:
    return ", ".join(f"{row.system.name} {row.measured_text}" for row in rows)


def _finding(verdict: ClaimVerdict, rows: tuple[HistoryRow, HistoryRow], difference: Interval) -> Finding:
    names = " minus that of ".join(row.system.name for row in rows)
    return Finding(
        verdict=verdict,
        measured=f"{_errors_text(*rows)}; difference {format_difference(difference)} percentage points.",
        quantity=f"mean error of {names}",
        interval=difference,
        n=sum(row.measured.runs for row in rows if row.measured),
    )


@dataclass(frozen=True)
class SmallerError:
    """A network has a smaller mean error than another one."""

    command: ClassVar[str] = "history"
    better: Rebuilt
    worse: Rebuilt

    @property
    def criterion(self) -> str:
        return (
            f"Holds if Welch's 95 % interval of the mean error of {self.better.system} minus that of"
            f" {self.worse.system} lies below 0. Does not hold if it lies above 0."
        )

    def judge(self, evidence: Evidence, study: Study) -> Finding:
        better, worse = (network.select(evidence) for network in (self.better, self.worse))
        if better.measured is None or worse.measured is None:
            return _not_trained(better, worse)
        difference = difference_of_errors(better.measured, worse.measured)
        finding = _finding(judge_at_most(difference, 0.0), (better, worse), difference)
        return explain_open(finding, "the interval of the difference contains 0")


@dataclass(frozen=True)
class AsGoodAs:
    """A network has no larger mean error than another one, up to a margin."""

    command: ClassVar[str] = "history"
    network: Rebuilt
    reference: Rebuilt

    @property
    def criterion(self) -> str:
        return (
            f"Holds if Welch's 95 % interval of the mean error of {self.network.system} minus that of"
            f" {self.reference.system} lies below {100 * MARGIN:g} % of the error of"
            f" {self.reference.system}. Does not hold if it lies above."
        )

    def judge(self, evidence: Evidence, study: Study) -> Finding:
        network, reference = (other.select(evidence) for other in (self.network, self.reference))
        if network.measured is None or reference.measured is None:
            return _not_trained(network, reference)
        difference = difference_of_errors(network.measured, reference.measured)
        limit = _margin_of(reference.measured)
        finding = _finding(judge_at_most(difference, limit), (network, reference), difference)
        return explain_open(finding, f"the interval of the difference contains the margin, {100 * limit:.2f}")


def _margin_of(reference: MeasuredError) -> float:
    return MARGIN * reference.error.estimate


@dataclass(frozen=True)
class RejectsAtMost:
    """A network needs to reject about a published share of the images for an error of 1 %."""

    command: ClassVar[str] = "reject"
    network: Rebuilt
    share: float
    """Published share of rejected images."""
    margin: float
    """How much larger a share may be that counts as about the published one."""

    @property
    def criterion(self) -> str:
        limit = self.share + self.margin
        return (
            f"Holds if the 95 % interval of the rejected share lies at or below {100 * limit:g} %: the"
            f" published {100 * self.share:g} % and a margin of {100 * self.margin:g} percentage points."
            " Does not hold if it lies above."
        )

    def judge(self, evidence: Evidence, study: Study) -> Finding:
        row = self.network.select(evidence)
        if row.measured is None or row.network is None:
            return _not_trained(row)
        share = row.network.rejected
        if share is None:
            return Finding.unknown("no predictions are stored, or some run never reaches an error of 1 %")
        finding = Finding(
            verdict=judge_at_most(share, self.share + self.margin),
            measured=f"An error of 1 % needs {format_interval(share, percent=True)} rejected images.",
            quantity="rejected share of the test images at an error of 1 %",
            interval=share,
            n=row.measured.runs,
        )
        return explain_open(finding, f"the interval contains {100 * (self.share + self.margin):g} %")


@dataclass(frozen=True)
class PublishedCounts:
    """The rebuilt networks have the published numbers of parameters."""

    command: ClassVar[str] = "history"

    @property
    def criterion(self) -> str:
        return (
            "Holds if every published number of parameters that is given to its last digit equals the"
            " computed one. Does not hold if one differs."
        )

    def judge(self, evidence: Evidence, study: Study) -> Finding:
        networks: dict[str, HistoryRow] = {}
        for row in evidence.history().rows:
            is_exact = row.system.parameters.replace(",", "").isdecimal()
            if row.network and row.network.parameters and is_exact:
                networks.setdefault(row.network.rebuild.architecture, row)
        if not networks:
            return Finding.unknown("no network with a published number of parameters")
        texts = [f"{row.system.name} {row.parameters_text}" for row in networks.values()]
        wrong = [text for text in texts if "published" in text]
        return Finding(
            verdict=ClaimVerdict.FAILS if wrong else ClaimVerdict.HOLDS,
            measured=f"Parameters: {'; '.join(texts)}.",
            n=len(networks),
            reason="; ".join(wrong),
        )
