"""The laws as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf, isfinite

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from analysis.formatting import format_interval
from analysis.laws import format_in_unit, law_rows
from scaling.fit import Comparison, Fit, Status, compare_all, predict, size_for_error
from scaling.fit.diagnosis.profile import profile_laws

MOST_COMPARED = 4
"""Curves, of which each pair has a line; more lines would hide the laws."""
COLORS = {Status.USABLE: "green", Status.CAUTION: "yellow", Status.REJECTED: "red"}


def render_laws(fits: Iterable[Fit]) -> Group:
    """Every law with its intervals, its held-out error and how far to trust it; then the verdicts between forms."""
    fits = list(fits)
    table = Table(
        title=f"error against {fits[0].points.x_name}" if fits else None,
        caption="; ".join(sorted({fit.estimand for fit in fits})),
    )
    for name in (
        "curve",
        "form",
        "exponent",
        "floor",
        "held out: log RMSE, bias",
        "widths",
        "runs",
        "status",
    ):
        table.add_column(name, justify="right" if name in ("widths", "runs") else "left")
    for law in law_rows(fits):
        status = f"[{COLORS[law.status]}]{law.status}[/]" + (f": {escape(law.reason)}" if law.reason else "")
        numbers = (law.exponent, law.floor, law.held_out)
        table.add_row(
            escape(law.label), law.form, *map(escape, numbers), str(law.widths), str(law.runs), status
        )
    pairs = compare_all(fits) if len(fits) <= MOST_COMPARED else []
    second = [line for fit in fits for line in _profiles(fit)]
    return Group(
        table,
        *map(
            Text,
            (
                *(_verdict(fit) for fit in fits),
                *second,
                *(describe_pair(fits[0].points.x_name, pair) for pair in pairs),
            ),
        ),
    )


def _profiles(fit: Fit) -> list[str]:
    """The second opinion on the exponents."""
    if not (found := profile_laws(fit)):
        return []
    told = [
        f"{format_interval(one.parameters['exponent'])} for {fit.laws[one.form].form.formula}"
        + ("" if one.confirmed else " (the optimum is not confirmed)")
        for one in found
    ]
    return [f"{fit.label}: exponent by profile likelihood, {'; '.join(told)}"]


def describe_pair(x: str, pair: Comparison) -> str:
    """Two laws of one form: their exponents, and where they meet."""
    equal = (
        f"equal within {pair.margin:g}"
        if pair.equivalent
        else f"not shown to be equal within {pair.margin:g}"
    )
    if pair.crossing is None:
        meet = "the laws do not meet anywhere near"
    else:
        meet = f"the laws meet at {x} {format_interval(pair.crossing)}" + (
            "" if pair.interpolated else ", beyond what both measured"
        )
        known = pair.crossing.low > 0 and isfinite(
            pair.crossing.high
        )  # else the laws may as well not meet, and nothing be compared there
        costs = [
            f"{format_interval(ratio)} times the {name.replace('macs', 'MACs')}"
            for name, ratio in pair.cost_ratios.items()
            if known
        ]
        meet += f"; there {pair.first} has {' and '.join(costs)} of {pair.second}" if costs else ""
    kind = "power laws" if pair.form == "power" else "laws with a floor"
    return f"{kind} of {pair.first} and {pair.second}: exponents differ by {format_interval(pair.difference)}, {equal}; {meet}"


def render_sizes_for_error(fits: Iterable[Fit], errors: Sequence[float | int]) -> Table:
    """The size that each law needs for some errors."""
    fits = list(fits)
    table = Table(
        title=f"{fits[0].points.x_name} that an error needs" if fits else None,
        caption="95 % intervals, if the form is right",
    )
    for name in ("curve", "form", "error", "size", "beyond the widest"):
        table.add_column(name, justify="right" if name in ("error", "beyond the widest") else "left")
    for fit in fits:
        for form, law in fit.laws.items():
            for error in errors:
                size = size_for_error(fit, error, form=form)
                found = format_interval(size).replace("inf", "never")
                times = size.estimate / fit.points.widths[-1]
                beyond = f"{times:.3g} times" if 1 < times < inf else ""
                table.add_row(escape(fit.label), law.form.formula, f"{error:g}", escape(found), beyond)
    return table


def render_predictions(fits: Iterable[Fit], sizes: Sequence[float | int]) -> Table:
    """What each law foretells, for the mean over seeds and for one new run."""
    fits = list(fits)
    table = Table(
        title=f"predictions along {fits[0].points.x_name}" if fits else None,
        caption="95 % intervals, if the form is right",
    )
    for name in ("curve", "form", "x", "mean", "a new run", "beyond the widest"):
        table.add_column(name, justify="right" if name in ("x", "beyond the widest") else "left")
    for fit in fits:
        for made in predict(fit, sizes):
            beyond = f"{made.extrapolation:.3g} times" if made.extrapolation > 1 else ""
            numbers = (
                format_in_unit(fit, made.mean),
                format_in_unit(fit, made.new_run) if made.new_run else "–",
            )
            table.add_row(
                escape(fit.label),
                fit.laws[made.form].form.formula,
                f"{made.x:g}",
                *map(escape, numbers),
                beyond,
            )
    return table


def _verdict(fit: Fit) -> str:
    """Which form its points ask for, and why."""
    return f"{fit.label}: {fit.verdict.choice}" + (
        f" ({fit.verdict.evidence})" if fit.verdict.evidence else ""
    )
