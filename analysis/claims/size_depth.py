"""Verdict on the rule sqrt(size) x depth = constant along the convolutions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from analysis.claims.claim import ClaimVerdict, Finding, Study, explain_open
from analysis.claims.evidence import Evidence
from analysis.claims.limits import judge_at_most
from analysis.formatting import format_interval
from scaling.fit import Status

ERROR_MARGIN = 0.01
"""Share of the lowest error by which the error of a setting may be larger and still count as the lowest."""


@dataclass(frozen=True)
class SizeDepthRule:
    """The ratio of widths with constant sqrt(size) x depth minimises the error."""

    command: ClassVar[str] = "optimum"
    curve: str

    @property
    def criterion(self) -> str:
        return (
            f"Holds if the 95 % interval of the error at the rule's ratio lies within {100 * ERROR_MARGIN:g}"
            " % of the lowest error. Does not hold if it does not, and the ratio lies outside the 95 %"
            " interval of the optimum."
        )

    def judge(self, evidence: Evidence, study: Study) -> Finding:
        optima = evidence.optimum(study)
        optimum = next((optimum for optimum in optima.optima if optimum.label == self.curve), None)
        if optimum is None:
            return Finding.unknown(f"no optimum of {self.curve}")
        rule = next(iter(optima.compare_size_depth(optimum)), None)
        n = len(optimum.points.y)
        if rule is None or optimum.status is Status.REJECTED:
            return Finding(
                verdict=ClaimVerdict.UNCLEAR, n=n, reason=optimum.reason or "the axis has no such rule"
            )
        verdict = judge_at_most(rule.relative_to_minimum, 1 + ERROR_MARGIN)
        if verdict is not ClaimVerdict.HOLDS:
            verdict = ClaimVerdict.UNCLEAR if rule.inside else ClaimVerdict.FAILS
        finding = Finding(
            verdict=verdict,
            measured=(
                f"Lowest error at d2/d1 = {format_interval(optimum.x_opt)}; the rule predicts"
                f" {rule.ratio:.3g}, where the error is {format_interval(rule.relative_to_minimum)} times"
                " the lowest."
            ),
            quantity="optimal d2/d1",
            interval=optimum.x_opt,
            n=n,
        )
        return explain_open(finding, "the ratio is not excluded, and its error is not shown to be the lowest")
