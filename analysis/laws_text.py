"""Laws, predictions and required sizes as tables for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, isfinite

from rich.console import Group
from rich.table import Table
from rich.text import Text

from analysis.formatting import (
    NO_VALUE,
    format_interval,
    format_response,
    format_size,
    format_status,
    response_label,
)
from analysis.laws import law_rows
from analysis.text_table import TextTable
from scaling.fit import Comparison, ExponentConclusion, Fit, compare_all, predict, size_for_error
from scaling.fit.card import LawCard, law_card
from scaling.fit.diagnosis.profile_likelihood import profile_laws
from scaling.fit.forms import FORMS

_MAX_COMPARED_CURVES = 4
"""Largest number of curves whose pairs are printed; more lines would hide the laws."""
_INTERVALS_CAPTION = "95 % intervals, which are valid if the form is right"


def render_laws(fits: Iterable[Fit]) -> Group:
    """Return a table of the laws, then the verdict, the profile intervals and the comparisons of curves."""
    fits = list(fits)
    x = fits[0].points.x_name if fits else ""
    table = TextTable(
        title=f"{response_label(fits[0].points.y_name)} against {x}" if fits else "",
        caption="; ".join(sorted({fit.estimand for fit in fits})),
        columns=(
            "curve",
            "form",
            "exponent",
            "floor",
            "held out: log RMSE, bias",
            "widths",
            "runs",
            "status",
        ),
        rows=tuple(
            (
                row.label,
                row.form,
                row.exponent,
                row.floor,
                row.held_out,
                str(row.widths),
                str(row.runs),
                format_status(row.status, row.reason),
            )
            for row in law_rows(fits)
        ),
        right=frozenset({"widths", "runs"}),
    )
    pairs = compare_all(fits) if len(fits) <= _MAX_COMPARED_CURVES else []
    lines = [
        *(_describe_verdict(fit) for fit in fits),
        *(line for fit in fits for line in _describe_profiles(fit)),
        *(f"{card.label}: {describe_card(card)}" for fit in fits if (card := law_card(fit))),
        *(describe_pair(x, pair) for pair in pairs),
    ]
    return Group(table.render(), *map(Text, lines))


def describe_pair(x: str, pair: Comparison) -> str:
    """Compare the laws of two curves in a sentence: their exponents, and where the laws cross.

    Args:
        x: name of the axis.
        pair: the comparison.
    """
    laws = " and ".join(
        f"{label} ({FORMS[form].formula})"
        for label, form in zip((pair.first, pair.second), pair.forms, strict=True)
    )
    conclusion = {
        ExponentConclusion.EQUAL: f"equal within {pair.margin:g}",
        ExponentConclusion.DIFFERENT: "different",
        ExponentConclusion.UNDECIDED: f"undecided: neither different nor equal within {pair.margin:g}",
    }[pair.conclusion]
    return (
        f"{laws}: the exponents differ by {format_interval(pair.difference)} ({conclusion});"
        f" {_describe_crossing(x, pair)}"
    )


def _describe_crossing(x: str, pair: Comparison) -> str:
    if pair.crossing is None:
        return "the laws do not cross near the data"
    if not (pair.crossing.low > 0 and isfinite(pair.crossing.high)):
        return "the data do not decide whether the laws cross"
    text = f"the laws cross at {x} {format_interval(pair.crossing)}"
    text += "" if pair.interpolated else ", outside the sizes measured on both curves"
    costs = [
        f"{format_interval(ratio)} times the {name.replace('macs', 'MACs')}"
        for name, ratio in pair.cost_ratios.items()
    ]
    return text + (f"; there {pair.first} has {' and '.join(costs)} of {pair.second}" if costs else "")


def _describe_verdict(fit: Fit) -> str:
    evidence = f" ({fit.verdict.evidence})" if fit.verdict.evidence else ""
    return f"{fit.label}: {fit.verdict.choice}{evidence}"


def _describe_profiles(fit: Fit) -> list[str]:
    """Return the profile-likelihood intervals of the exponents, as a check of the bootstrap intervals."""
    exponents = [
        f"{format_interval(profile.parameters['exponent'])} for {fit.laws[profile.form].form.formula}"
        + ("" if profile.confirmed else " (the optimum is not confirmed)")
        for profile in profile_laws(fit)
    ]
    return [f"{fit.label}: exponent by profile likelihood, {'; '.join(exponents)}"] if exponents else []


def describe_card(card: LawCard) -> str:
    """Return a sentence on how robust a law is: the exponents under other choices."""
    outside = [f"{choice.exponent:.3g} {choice.name}" for choice in card.choices if choice.outside]
    if outside:
        result = (
            f"fragile: {len(outside)} of {len(card.choices)} other choices move the exponent out of its "
            f"interval ({'; '.join(outside)})"
        )
    else:
        exponents = [choice.exponent for choice in card.choices]
        result = (
            f"robust: under {len(exponents)} other choices the exponent of {card.formula} stays in its "
            f"interval, between {min(exponents):.3g} and {max(exponents):.3g}"
        )
    return f"{result}; {card.starts_agreeing} of {card.starts} searches from other starts agree"


def render_sizes_for_error(fits: Iterable[Fit], errors: Sequence[float | int]) -> Table:
    """Return a table of the size that each law needs to reach each error."""
    fits = list(fits)
    label = response_label(fits[0].points.y_name) if fits else ""
    y = "error" if label == "Error" else label
    rows = []
    for fit in fits:
        for form, law in fit.laws.items():
            for error in errors:
                size = size_for_error(fit, error, form=form)
                outside = _describe_extrapolation(fit, size.estimate)
                rows.append((fit.label, law.form.formula, f"{error:g}", format_size(size), outside))
    return TextTable(
        title=f"{fits[0].points.x_name} for a given {y}" if fits else "",
        caption=f"{_INTERVALS_CAPTION}. never: the law does not reach this {y}",
        columns=("curve", "form", y, "size", "outside the data"),
        rows=tuple(rows),
        right=frozenset({y, "outside the data"}),
    ).render()


def render_predictions(fits: Iterable[Fit], sizes: Sequence[float | int]) -> Table:
    """Return a table of predictions of each law, for the mean over seeds and for one new run."""
    fits = list(fits)
    rows = []
    for fit in fits:
        for prediction in predict(fit, sizes):
            rows.append(
                (
                    fit.label,
                    fit.laws[prediction.form].form.formula,
                    f"{prediction.x:g}",
                    format_response(fit.points, prediction.mean),
                    format_response(fit.points, prediction.new_run) if prediction.new_run else NO_VALUE,
                    _describe_extrapolation(fit, prediction.x),
                )
            )
    return TextTable(
        title=f"Predictions along {fits[0].points.x_name}" if fits else "",
        caption=_INTERVALS_CAPTION,
        columns=("curve", "form", "x", "mean over seeds", "one new run", "outside the data"),
        rows=tuple(rows),
        right=frozenset({"x", "outside the data"}),
    ).render()


def _describe_extrapolation(fit: Fit, x: float) -> str:
    """Return where a size lies outside the measured sizes; empty if it lies between them or is infinite."""
    narrowest, widest = fit.points.widths[0], fit.points.widths[-1]
    if x < narrowest:
        return "below the narrowest"
    return f"{x / widest:.3g} times the widest" if widest < x < inf else ""
