"""Verdict on Optimal Brain Damage: how much it deletes without a loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from analysis.claims.claim import Finding, Study, explain_open
from analysis.claims.evidence import Evidence
from analysis.claims.limits import MARGIN, judge_at_most
from analysis.formatting import format_interval, format_points
from scaling.config.pruning import PruningMethod


@dataclass(frozen=True)
class PrunesWithoutLoss:
    """Pruning leaves a share of the parameters, and the error stays as it was, up to a margin."""

    command: ClassVar[str] = "prune"
    method: PruningMethod
    left: float
    """Largest share of the parameters that may be left."""

    @property
    def criterion(self) -> str:
        return (
            f"Holds if, with at most {100 * self.left:g} % of the parameters left, the 95 % interval of the"
            f" change of the test error lies below {100 * MARGIN:g} % of the error before the pruning. Does"
            " not hold if it lies above."
        )

    def judge(self, evidence: Evidence, study: Study) -> Finding:
        networks = evidence.pruning(study).networks
        if not networks:
            return Finding.unknown("no pruned network has a test error")
        (network,) = networks
        before = network.unpruned
        rounds = [
            pruned
            for pruned in network.of_method(self.method)
            if pruned.parameters_left <= self.left * before.parameters_left
        ]
        if not rounds:
            return Finding.unknown(f"no round leaves at most {100 * self.left:g} % of the parameters")
        largest = rounds[0]
        limit = MARGIN * before.test_error.estimate
        finding = Finding(
            verdict=judge_at_most(largest.error_change, limit),
            measured=(
                f"{before.parameters_left:,} parameters: {format_interval(before.test_error, percent=True)};"
                f" {largest.parameters_left:,} left: {format_interval(largest.test_error, percent=True)}, a"
                f" change of {format_points(largest.error_change)}."
            ),
            quantity="change of the mean test error",
            interval=largest.error_change,
            n=largest.runs,
        )
        return explain_open(finding, f"the interval contains the margin, {100 * limit:.2f} points")
