"""Records of the ledger: a claim, what was measured, and the verdict that follows from it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf, isnan
from typing import Any, ClassVar, Protocol

from analysis.claims.evidence import Evidence
from scaling.fit import Interval


class ClaimVerdict(StrEnum):
    """Verdict on a claim."""

    HOLDS = "holds"
    FAILS = "does not hold"
    UNCLEAR = "cannot tell"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Verdict of the stored runs on a claim, with the numbers behind it."""

    verdict: ClaimVerdict
    measured: str = ""
    """Sentences with the numbers; empty without any."""
    quantity: str = ""
    """What the interval is an interval of; empty without one number that decides."""
    interval: Interval | None = None
    """Number that decides, with its 95 % interval."""
    n: int = 0
    """Number of runs behind the verdict; of networks for a claim about counts."""
    reason: str = ""
    """Why the verdict is not the other one, or why there is none."""

    @classmethod
    def unknown(cls, reason: str) -> Finding:
        """Return the finding without any measurement."""
        return cls(verdict=ClaimVerdict.UNCLEAR, reason=reason)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON values: ``never`` for a size that no network has, None for no limit."""
        limits = self.interval and {name: _json_number(value) for name, value in vars(self.interval).items()}
        return vars(self) | {"verdict": self.verdict.value, "interval": limits}


class Rule(Protocol):
    """How a verdict follows from the results of a use case."""

    command: ClassVar[str]
    """Command that shows the numbers of the verdict."""

    @property
    def criterion(self) -> str:
        """Sentence that says when the claim holds and when it does not."""

    def judge(self, evidence: Evidence, study: Study) -> Finding:
        """Return the finding of a study.

        Raises:
            FitError: the runs do not determine the result.
            StoreError: the stores lack the runs.
        """


@dataclass(frozen=True)
class Study:
    """A study that tests a claim."""

    path: str
    """Its file, below the folder of studies."""
    overrides: tuple[str, ...] = ()
    """Changed settings, such as ``seeds=8``."""
    x: str = "filters"
    """Column along which laws are fitted."""

    def command(self, name: str) -> str:
        """Return a command line about this study; that of the history is about all of its studies."""
        if name == "history":
            return "scaling history"
        changes = (part for override in self.overrides for part in ("--set", override))
        column = [] if self.x == "filters" else ["--x", self.x]
        return shlex.join(["scaling", name, f"configs/{self.path}", *column, *changes])


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A claim, the study that tests it, and the rule of its verdict."""

    name: str
    """Short name, such as ``power-law-cifar10``."""
    text: str
    """The claim as a sentence."""
    source: str = ""
    """Publication that makes the claim; empty for a question of this project."""
    study: Study
    rule: Rule
    remark: str = ""
    """Sentences on how the study differs from the publication."""

    @property
    def command(self) -> str:
        """Command line that shows the numbers."""
        return self.study.command(self.rule.command)


@dataclass(frozen=True, kw_only=True)
class JudgedClaim:
    """Row of the ledger."""

    claim: Claim
    finding: Finding

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON values."""
        claim = self.claim
        return {
            "name": claim.name,
            "claim": claim.text,
            "source": claim.source,
            "study": claim.study.path,
            "overrides": list(claim.study.overrides),
            "criterion": claim.rule.criterion,
            "remark": claim.remark,
            "command": claim.command,
            **self.finding.to_dict(),
        }


@dataclass(frozen=True, kw_only=True)
class Ledger:
    """The claims with their verdicts."""

    rows: tuple[JudgedClaim, ...]

    def count(self, verdict: ClaimVerdict) -> int:
        """Return the number of claims with a verdict."""
        return sum(row.finding.verdict is verdict for row in self.rows)


def explain_open(finding: Finding, reason: str) -> Finding:
    """Return a finding with a reason if its verdict is ``cannot tell`` and has none."""
    is_open = finding.verdict is ClaimVerdict.UNCLEAR and not finding.reason
    return replace(finding, reason=reason) if is_open else finding


def _json_number(number: float) -> float | str | None:
    if isnan(number):
        return None
    return "never" if number == inf else number
