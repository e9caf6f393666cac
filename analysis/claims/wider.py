"""Verdict on a network that is too small: a wider one of the same kind has a smaller error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from analysis.claims.claim import Finding, Study, explain_open
from analysis.claims.evidence import Evidence
from analysis.claims.limits import judge_at_most
from analysis.formatting import format_interval
from analysis.history import format_difference
from analysis.history_order import difference_of_means
from scaling.fit import Fit, Interval


@dataclass(frozen=True)
class WiderIsBetter:
    """A wider network of a curve has a smaller mean error than a narrower one."""

    command: ClassVar[str] = "fit"
    curve: str
    """Label of the curve."""
    narrow: int
    """Number of filters of the narrower network."""
    wide: int

    @property
    def criterion(self) -> str:
        return (
            f"Holds if Welch's 95 % interval of the mean error of {self.curve} with {self.wide} filters"
            f" minus that with {self.narrow} filters lies below 0. Does not hold if it lies above 0."
        )

    def judge(self, evidence: Evidence, study: Study) -> Finding:
        fit = next((fit for fit in evidence.fits(study) if fit.label == self.curve), None)
        wide, narrow = (_errors(fit, filters) for filters in (self.wide, self.narrow))
        if not wide or not narrow:
            return Finding.unknown(f"no run of {self.curve} with {self.narrow} or with {self.wide} filters")
        difference = difference_of_means(wide, narrow)
        finding = Finding(
            verdict=judge_at_most(difference, 0.0),
            measured=(
                f"{self.wide} filters {_mean(wide)}, {self.narrow} filters {_mean(narrow)}; difference"
                f" {format_difference(difference)} percentage points."
            ),
            quantity=f"mean error with {self.wide} filters minus that with {self.narrow}",
            interval=difference,
            n=len(wide) + len(narrow),
        )
        return explain_open(finding, "the interval of the difference contains 0")


def _errors(fit: Fit | None, filters: int) -> list[float]:
    return [] if fit is None else fit.points.y[fit.points.x == filters].tolist()


def _mean(errors: list[float]) -> str:
    return format_interval(Interval.of_mean(np.array(errors), at_least=0, at_most=1), percent=True)
