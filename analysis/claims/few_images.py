"""Verdicts on generalisation from few training images: free parameters, and separable training sets."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import ClassVar

from analysis.claims.claim import ClaimVerdict, Finding, Study
from analysis.claims.evidence import Evidence
from analysis.claims.limits import judge_at_most
from analysis.claims.networks import Rebuilt, SmallerError
from analysis.equal_training_error import NetworkAtLevel
from analysis.formatting import format_interval, format_percent
from analysis.history_order import difference_of_means
from scaling.fit.separability import Verdict


@dataclass(frozen=True)
class FewerParametersGeneralise:
    """At equal training error, networks with fewer free parameters have smaller test errors."""

    command: ClassVar[str] = "report"

    @property
    def criterion(self) -> str:
        return (
            "Networks in the order of their parameters, at the lowest training error that every run reaches."
            " Holds if, of any two neighbours, the one with fewer parameters has the smaller mean test"
            " error, by Welch's 95 % interval. Does not hold if two neighbours have the opposite order by"
            " this interval."
        )

    def judge(self, evidence: Evidence, study: Study) -> Finding:
        compared = evidence.equal_training_error(study)
        if compared is None or not compared.has_one_width_a_curve:
            return Finding.unknown("the runs have no common training error of several networks")
        networks = sorted(compared.networks, key=lambda network: network.parameters)
        verdicts = {(few.group, many.group): _judge_pair(few, many) for few, many in pairwise(networks)}
        reversed_pairs = [pair for pair, verdict in verdicts.items() if verdict is ClaimVerdict.FAILS]
        open_pairs = [pair for pair, verdict in verdicts.items() if verdict is ClaimVerdict.UNCLEAR]
        texts = (
            f"{network.group} ({network.parameters:,}) {format_interval(network.error, percent=True)}"
            for network in networks
        )
        if reversed_pairs:
            verdict, reason = ClaimVerdict.FAILS, f"the opposite order: {_join(reversed_pairs)}"
        elif open_pairs:
            verdict, reason = ClaimVerdict.UNCLEAR, f"the interval contains 0: {_join(open_pairs)}"
        else:
            verdict, reason = ClaimVerdict.HOLDS, ""
        return Finding(
            verdict=verdict,
            measured=f"At a training error of {format_percent(compared.level)}: {'; '.join(texts)}.",
            n=sum(len(network.runs) for network in networks),
            reason=reason,
        )


def _judge_pair(few: NetworkAtLevel, many: NetworkAtLevel) -> ClaimVerdict:
    errors = ([run.test_error for run in network.runs] for network in (few, many))
    return judge_at_most(difference_of_means(*errors), 0.0)


def _join(pairs: list[tuple[str, str]]) -> str:
    return ", ".join(f"{few} and {many}" for few, many in pairs)


@dataclass(frozen=True)
class SeparableButWorse:
    """A single layer generalises worse than another network, although it can separate the training images."""

    command: ClassVar[str] = "separable"
    single_layer: Rebuilt
    other: Rebuilt

    @property
    def criterion(self) -> str:
        return (
            "Holds if a linear program separates the training images, and Welch's 95 % interval of the mean"
            f" test error of {self.other.system} minus that of {self.single_layer.system} lies below 0. Does"
            " not hold if it lies above 0. No verdict if the images are not separable."
        )

    def judge(self, evidence: Evidence, study: Study) -> Finding:
        images = evidence.separability(study)
        verdict = images.all_classes.verdict
        separable = f"{images.train_images:,} training images: {verdict.value}"
        if verdict is not Verdict.SEPARABLE:
            return Finding.unknown(separable)
        finding = SmallerError(self.other, self.single_layer).judge(evidence, study)
        return replace(finding, measured=f"{separable}. {finding.measured}".strip())
