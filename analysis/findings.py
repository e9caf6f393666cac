"""Findings at the top of a page: for each curve, what its error does, in words, and how far to trust that."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from analysis.formatting import (
    format_count,
    format_interval,
    format_percent,
    format_response,
    format_size_of,
    plural_of,
)
from analysis.laws import describe_exponent
from scaling.fit import Fit, FormChoice, Interval, Law, Points, Status, preferred_law
from scaling.fit.card import law_card

_QUANTITIES = {"test_error": "test error", "test_loss": "test loss", "train_loss": "training loss"}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Finding of one curve: its error, its law, and how far to trust the law."""

    label: str
    """Name of the curve."""
    sentence: str
    """What the error does, and its law, in words."""
    verdict: FormChoice
    status: Status
    reason: str
    """Reason of the status; empty for a usable law."""
    is_fragile: bool
    """True if another choice, such as another x, moves the exponent out of its interval."""
    evidence: str
    """Evidence for the verdict; may be empty."""
    basis: str
    """Numbers of runs and sizes, and the estimand."""

    def __str__(self) -> str:
        reason = f": {self.reason}" if self.reason else ""
        fragile = ", fragile" if self.is_fragile else ""
        return f"{self.label}: {self.sentence} ({self.verdict}; {self.status}{fragile}{reason}; {self.basis})"


def describe_findings(fits: Iterable[Fit]) -> list[Finding]:
    """Return what each curve shows, by the law that its verdict names; a curve without a law is left out."""
    return [_describe(fit, law) for fit in fits if (law := preferred_law(fit))]


def _describe(fit: Fit, law: Law) -> Finding:
    points, card = fit.points, law_card(fit)
    sizes = format_count(len(points.widths), "size")
    return Finding(
        label=fit.label,
        sentence=f"{_describe_means(points)} {_describe_law(fit, law)}",
        verdict=fit.verdict.choice,
        status=law.status,
        reason=law.reason,
        is_fragile=card is not None and card.fragile,
        evidence=fit.verdict.evidence,
        basis=f"{format_count(len(points.x), 'run')} at {sizes}; {fit.estimand}",
    )


def _describe_means(points: Points) -> str:
    """Return a sentence with the means of the smallest and the largest size."""
    first, last = points.means[0], points.means[-1]
    verb = "falls" if last < first else "rises"
    quantity = _QUANTITIES.get(points.y_name, points.y_name)
    smallest, largest = (format_size_of(points.x_name, points.widths[index]) for index in (0, -1))
    return (
        f"The {quantity} {verb} from {_value(points, first)} at {smallest} to {_value(points, last)} at"
        f" {largest}."
    )


def _describe_law(fit: Fit, law: Law) -> str:
    points, exponent = fit.points, describe_exponent(law)
    floor = format_response(points, law.parameters["floor"]) if law.form.has_floor else ""
    if fit.verdict.choice is FormChoice.BENDS and law.form.name == fit.verdict.form:
        beside = f" and the floor {floor}" if floor else ""
        return f"The curve bends: {law.form.formula}, with the exponent ρ = {exponent}{beside}."
    if floor:
        if fit.verdict.choice is FormChoice.FLOOR:
            unless = ", unless it bends and falls on more slowly" if fit.verdict.possible_bend else ""
            return (
                f"It levels off at {floor}{unless}; the part above the floor falls with the exponent "
                f"ρ = {exponent}."
            )
        return (
            "These runs cannot tell whether it levels off: a law with a floor has the exponent "
            f"ρ = {exponent} and the floor {floor}."
        )
    names_other_form = fit.verdict.choice is not FormChoice.UNCLEAR and law.form.name != fit.verdict.form
    if names_other_form:  # the fallback of ``preferred_law``
        return f"The law that the verdict names is not usable; a power law has the exponent ρ = {exponent}."
    rho = law.parameters["exponent"]
    factor = Interval(estimate=2**-rho.estimate, low=2**-rho.high, high=2**-rho.low)
    return (
        f"Each doubling of {plural_of(points.x_name)} multiplies it by {format_interval(factor)}, "
        f"a power law with the exponent ρ = {exponent}."
    )


def _value(points: Points, value: float) -> str:
    return f"{value:.3g}" if points.test_images is None else format_percent(value)
