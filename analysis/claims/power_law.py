"""Verdicts on the form of a law, and on forecasts by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from analysis.claims.claim import ClaimVerdict, Finding, Study
from analysis.claims.evidence import Evidence
from analysis.formatting import format_count, format_exponent, format_interval
from scaling.fit import Fit, Status
from scaling.fit.form_choice import FormChoice
from scaling.fit.result import Law
from scaling.plan.forecast_score import Outcome, TargetScore

_VERDICTS = {
    FormChoice.POWER: ClaimVerdict.HOLDS,
    FormChoice.FLOOR: ClaimVerdict.FAILS,
    FormChoice.BENDS: ClaimVerdict.FAILS,
    FormChoice.UNCLEAR: ClaimVerdict.UNCLEAR,
}


@dataclass(frozen=True)
class PowerLaw:
    """The error of a curve is a power law in its filters."""

    command: ClassVar[str] = "fit"
    curve: str
    """Label of the curve."""

    @property
    def criterion(self) -> str:
        return (
            "Holds if the verdict of the fit is power law: the floor is negligible, the exponent does not"
            " drift, and the law of the narrower networks predicts the widest. Does not hold if a floor is"
            " needed or the curve bends."
        )

    def judge(self, evidence: Evidence, study: Study) -> Finding:
        fit = next((fit for fit in evidence.fits(study) if fit.label == self.curve), None)
        if fit is None:
            return Finding.unknown(f"no law of {self.curve}")
        law = fit.laws.get(fit.verdict.form)
        verdict = _VERDICTS[fit.verdict.choice]
        if law is None or law.status is Status.REJECTED:
            verdict, law = ClaimVerdict.UNCLEAR, None
        return Finding(
            verdict=verdict,
            measured=f"{_describe(fit)}.",
            quantity=f"exponent of {law.form.formula}" if law else "",
            interval=law.parameters["exponent"] if law else None,
            n=len(fit.points.y),
            reason=fit.verdict.evidence,
        )


def _describe(fit: Fit) -> str:
    widths = f"{len(fit.points.widths)} widths from {fit.points.widths[0]:g} to {fit.points.widths[-1]:g}"
    laws = "; ".join(_describe_law(law) for name, law in fit.laws.items() if name in ("power", "floor"))
    return f"{fit.verdict.choice.value.capitalize()}, {widths}. {laws}"


def _describe_law(law: Law) -> str:
    numbers = [f"exponent {format_exponent(law.parameters['exponent'])}"]
    if "floor" in law.parameters:
        numbers.append(f"floor {format_interval(law.parameters['floor'], percent=True)}")
    if law.held_out:
        numbers.append(f"log RMSE of held-out widths {law.held_out[-1].rmse_log:.3f}")
    return f"{law.form.formula} ({law.status.value}): {', '.join(numbers)}"


@dataclass(frozen=True)
class ForecastHits:
    """The law of narrow networks predicts a wide one that was trained afterwards."""

    command: ClassVar[str] = "score"

    @property
    def criterion(self) -> str:
        return (
            "Holds if every forecast that counts is a hit: it is older than the runs, and the mean of the"
            " runs lies in its 95 % prediction interval. Does not hold if one is a miss."
        )

    def judge(self, evidence: Evidence, study: Study) -> Finding:
        targets = [target for score in evidence.scores(study) for target in score.targets if target.counts]
        if not targets:
            return Finding.unknown(
                "no forecast of this study counts: none is complete and older than its runs"
            )
        is_hit = all(target.outcome is Outcome.HIT for target in targets)
        widest = max(targets, key=lambda target: target.extrapolation)
        return Finding(
            verdict=ClaimVerdict.HOLDS if is_hit else ClaimVerdict.FAILS,
            measured=". ".join(map(_describe_target, targets)) + ".",
            quantity=f"predicted mean error at {widest.filters} filters",
            interval=widest.predicted,
            n=sum(target.runs for target in targets),
        )


def _describe_target(target: TargetScore) -> str:
    observed = format_interval(target.observed, percent=True) if target.observed else "no error"
    return (
        f"{target.filters} filters, {target.extrapolation:.3g} times the widest fitted network: predicted"
        f" {format_interval(target.predicted, percent=True)}, observed {observed} over"
        f" {format_count(target.runs, 'run')}, a {target.outcome.value}"
    )
