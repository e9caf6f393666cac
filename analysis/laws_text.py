"""Laws, predictions and required sizes for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from math import inf, isfinite

from rich.console import Group
from rich.table import Table
from rich.text import Text

from analysis.formatting import (
    NO_VALUE,
    format_beside,
    format_count,
    format_interval,
    format_percent,
    format_response,
    format_size,
    format_status,
    response_label,
)
from analysis.laws import LawRow, law_rows
from analysis.text_table import TextTable
from scaling.control_characters import escape_control_characters
from scaling.fit import (
    Comparison,
    ExponentConclusion,
    Fit,
    Interval,
    Prediction,
    compare_all,
    has_measured,
    predict,
    size_for_error,
)
from scaling.fit.card import LawCard, law_card
from scaling.fit.diagnosis.profile_likelihood import LawProfile, profile_laws
from scaling.fit.forms import FORMS

_MAX_COMPARED_CURVES = 4
"""Largest number of curves whose pairs are printed; more lines would hide the laws."""
_MAX_TERM_WIDTH = 24
"""Largest number of columns of a form's formula; a longer one is wrapped."""
_INTERVALS_CAPTION = "95 % intervals; those of the first form of a curve include the selection of the form"


def render_laws(fits: Iterable[Fit]) -> Group:
    """Return a block for each curve, then the comparisons of curves.

    A block has the verdict, each form with its numbers and its status, the law that the verdict names first,
    and what the law rests on. It is readable from 80 columns.
    """
    fits = list(fits)
    if not fits:
        return Group()
    points = fits[0].points
    estimands = "; ".join(sorted({fit.estimand for fit in fits}))
    title = Text(f"{response_label(points.y_name)} against {points.x_name}", style="bold")
    return Group(
        Text.assemble(title, f": {estimands}"),
        *(_render_fit(fit) for fit in fits),
        *(Text(f"\n{sentence}") for sentence in describe_pairs(fits)),
    )


def describe_pairs(fits: Sequence[Fit]) -> list[str]:
    """Return a sentence for each pair of curves along one x; none for many curves."""
    pairs = compare_all(fits) if len(fits) <= _MAX_COMPARED_CURVES else []
    return [describe_pair(fits[0].points.x_name, pair) for pair in pairs]


def _render_fit(fit: Fit) -> Group:
    widths, runs = len(fit.points.widths), len(fit.points.x)
    heading = Text.assemble(
        "\n",
        (escape_control_characters(fit.label), "bold"),
        f": {fit.verdict.choice}, {format_count(widths, 'width')}, {format_count(runs, 'run')}",
    )
    block = Table.grid(padding=(0, 0, 0, 2))
    block.add_column(max_width=_MAX_TERM_WIDTH)
    block.add_column(ratio=1)
    for row in law_rows([fit]):
        for line, description in enumerate(_describe_row(row)):
            block.add_row(Text("" if line else row.form), description)
    for term, text in _evidence(fit):
        block.add_row(Text(term), Text(text))
    return Group(heading, block)


def _describe_row(row: LawRow) -> list[Text]:
    """Return lines on one form: its parameters, its held-out error and its status."""
    numbers = [f"exponent {row.exponent}", f"amplitude {row.amplitude}"]
    if row.floor != NO_VALUE:
        numbers.append(f"floor {row.floor}")
    held_out = [] if row.held_out == NO_VALUE else [Text(f"held out: log RMSE and bias {row.held_out}")]
    return [Text(", ".join(numbers)), *held_out, format_status(row.status, row.reason)]


def _evidence(fit: Fit) -> Iterator[tuple[str, str]]:
    """Yield terms with texts: evidence of the verdict, profile likelihood, robustness, and notes."""
    if fit.verdict.evidence:
        yield "verdict", fit.verdict.evidence
    if profiles := [_describe_profile(profile) for profile in profile_laws(fit)]:
        yield "profile", f"check of the exponent by profile likelihood: {'; '.join(profiles)}"
    if card := law_card(fit):
        yield "card", describe_card(card)
    for note in fit.notes:
        yield "note", escape_control_characters(note)


def _describe_profile(profile: LawProfile) -> str:
    """Return the exponent of a law by its profile, and the other forms that its interval covers."""
    covered = "".join(f", or {FORMS[form].formula}" for form in profile.covered_forms)
    confirmed = "" if profile.confirmed else " (the optimum is not confirmed)"
    exponent = _format_profile(profile.parameters["exponent"])
    return f"{exponent} for {FORMS[profile.form].formula}{covered}{confirmed}"


def _format_profile(exponent: Interval) -> str:
    """Return an exponent with its profile interval; an infinite limit is one that the search did not find."""
    if isfinite(exponent.low) or isfinite(exponent.high):
        return format_interval(exponent)
    return f"{exponent.estimate:.3g} (no limits found)"


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
    return (
        f"{laws}: the exponents differ by {format_interval(pair.difference)} ({describe_conclusion(pair)});"
        f" {describe_crossing(x, pair)}"
    )


def describe_conclusion(pair: Comparison) -> str:
    """Return what follows from the difference of two exponents."""
    return {
        ExponentConclusion.EQUAL: f"equal within {pair.margin:g}",
        ExponentConclusion.DIFFERENT: "different",
        ExponentConclusion.UNDECIDED: f"undecided: neither different nor equal within {pair.margin:g}",
    }[pair.conclusion]


def describe_crossing(x: str, pair: Comparison) -> str:
    """Return where two laws cross along x, and what the networks cost there."""
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


def describe_card(card: LawCard) -> str:
    """Return a sentence on how robust a law is: the exponents under other choices."""
    interval = card.parameters["exponent"]
    outside = [
        f"{format_beside(choice.exponent, interval)} {choice.name}"
        for choice in card.choices
        if choice.outside
    ]
    if outside:
        verb = "moves" if len(outside) == 1 else "move"
        result = (
            f"fragile: {len(outside)} of {len(card.choices)} other choices {verb} the exponent out of its "
            f"interval ({'; '.join(outside)})"
        )
    else:
        exponents = [choice.exponent for choice in card.choices]
        result = (
            f"robust: under {len(exponents)} other choices the exponent of {card.formula} stays in its "
            f"interval, between {format_beside(min(exponents), interval)} and "
            f"{format_beside(max(exponents), interval)}"
        )
    result += f"; {card.starts_agreeing} of {card.starts} searches from other starts agree"
    return result + (f"; not tried: {'; '.join(card.skipped)}" if card.skipped else "")


def render_sizes_for_error(fits: Iterable[Fit], errors: Sequence[float | int]) -> TextTable:
    """Return a table of the size that each law needs to reach each error."""
    fits = list(fits)
    label = response_label(fits[0].points.y_name) if fits else ""
    y = "error" if label == "Error" else label
    rows = []
    for fit in fits:
        for form, law in fit.laws.items():
            for error in errors:
                size = size_for_error(fit, error, form=form)
                outside = describe_size(fit, error, size)
                rows.append((fit.label, law.form.formula, f"{error:g}", format_size(size), outside))
    return TextTable(
        title=f"{fits[0].points.x_name} for a given {y}" if fits else "",
        caption=f"{_INTERVALS_CAPTION}. never: the law does not reach this {y}",
        columns=("curve", "form", y, "size", "outside the data"),
        rows=tuple(rows),
        right=frozenset({y, "outside the data"}),
    )


def render_predictions(fits: Iterable[Fit], sizes: Sequence[float | int]) -> TextTable:
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
                    _describe_outside(fit, prediction),
                )
            )
    return TextTable(
        title=f"Predictions along {fits[0].points.x_name}" if fits else "",
        caption=_INTERVALS_CAPTION,
        columns=("curve", "form", "x", "mean over seeds", "one new run", "outside the data"),
        rows=tuple(rows),
        right=frozenset({"x", "outside the data"}),
    )


def _describe_outside(fit: Fit, prediction: Prediction) -> str:
    """Return where a prediction lies, and the mean with a bend if a bend is possible and differs there."""
    outside = describe_extrapolation(fit, prediction.x)
    if prediction.mean_with_bend is None:
        return outside
    mean = prediction.mean_with_bend
    bend_mean = f"{mean:.3g}" if fit.points.test_images is None else format_percent(mean)
    return f"{outside}; {bend_mean} with a bend"


def describe_size(fit: Fit, error: float, size: Interval) -> str:
    """Return where the size for an error lies outside the data, or that only a measured mean reaches it."""
    if size.estimate == inf and has_measured(fit, error):
        return "the law lies above a measured mean"
    return describe_extrapolation(fit, size.estimate)


def describe_extrapolation(fit: Fit, x: float) -> str:
    """Return where a size lies outside the measured sizes; empty if it lies between them or is infinite."""
    narrowest, widest = fit.points.widths[0], fit.points.widths[-1]
    if x < narrowest:
        return "below the narrowest"
    return f"{x / widest:.3g} times the widest" if widest < x < inf else ""
