"""A comparison as tables for the terminal."""

from __future__ import annotations

from itertools import groupby
from math import inf

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from analysis.comparison import AXES, EQUAL, Compared
from analysis.style import metric_tick
from analysis.terminal import beside
from analysis.words import quantity
from scaling.fit import EqualError, Winner

HEADINGS = {axis.column: axis.heading for axis in AXES}


def comparison_text(made: Compared) -> Group:
    """Exponents, sizes at equal error, and who wins at a budget."""
    lines = [Text(beside("filters", pair)) for pair in made.pairs]
    tables = [_equal(made.equal)] if made.equal else []
    tables += [_winners(cost, found) for cost, found in made.winners.items() if found]
    return Group(*lines, *tables)


def _equal(found: tuple[EqualError, ...]) -> Table:
    table = Table(title="the first over the second, at equal error", caption="95 % intervals; each law is of the form that its points ask for")
    for name in ("first", "second", "error", *(HEADINGS[axis.column] for axis in EQUAL), "extrapolated"):
        table.add_column(name, justify="right" if name == "error" else "left")
    ordered = sorted(found, key=lambda each: (each.first, each.second, -each.error))  # stable, so axes keep their order
    for (first, second, error), same in groupby(ordered, lambda each: (each.first, each.second, each.error)):
        along = {each.x: each for each in same}
        ratios = [_ratio(along[axis.column]) if axis.column in along else "–" for axis in EQUAL]
        beyond = dict.fromkeys(label for each in along.values() for label in each.extrapolated)
        table.add_row(*map(escape, (first, second, f"{100 * error:.3g} %", *ratios, ", ".join(beyond))))
    return table


def _ratio(found: EqualError) -> str:
    if found.ratio is None:
        return "neither ever"
    never = {0.0: f"{found.second} never", inf: f"{found.first} never"}.get(found.ratio.estimate)
    return never or quantity(found.ratio).replace("inf", "never")


def _winners(cost: str, found: list[Winner]) -> Table:
    table = Table(title=f"the least error for a budget of {HEADINGS[cost]}", caption="by the laws, with their 95 % intervals")
    for name in ("up to", "best", "error", "of resampled laws", "next", "error ", "extrapolated"):
        table.add_column(name, justify="right" if name in ("up to", "of resampled laws") else "left")
    for each in found:
        errors = [quantity(error, unit=0.01) + " %" if error else "–" for error in (each.error, each.second_error)]
        row = (metric_tick(each.budget), each.label, errors[0], f"{100 * each.share:.0f} %", each.second or "–", errors[1])
        table.add_row(*map(escape, (*row, ", ".join(each.extrapolated))))
    return table
