"""The laws as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Group
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from analysis.laws import amount, law_words
from scaling.fit import Fit, Status, foretell

COLORS = {Status.USABLE: "green", Status.LOOK: "yellow", Status.REFUSE: "red"}


def laws_text(fits: Iterable[Fit]) -> Group:
    """Every law with its intervals, its held-out error and how far to trust it; then the verdicts between forms."""
    fits = list(fits)
    table = Table(title=f"error against {fits[0].points.x_name}" if fits else None, caption="; ".join(sorted({fit.estimand for fit in fits})))
    for name in ("curve", "form", "exponent", "floor", "held out: log RMSE, bias", "widths", "runs", "status"):
        table.add_column(name, justify="right" if name in ("widths", "runs") else "left")
    for law in law_words(fits):
        status = f"[{COLORS[law.status]}]{law.status}[/]" + (f": {escape(law.reason)}" if law.reason else "")
        numbers = (law.exponent, law.floor, law.held_out)
        table.add_row(escape(law.label), law.form, *map(escape, numbers), str(law.widths), str(law.runs), status)
    return Group(table, *(Text(_verdict(fit)) for fit in fits))


def predictions_text(fits: Iterable[Fit], sizes: Sequence[float | int]) -> Table:
    """What each law foretells, for the mean over seeds and for one new run."""
    fits = list(fits)
    table = Table(title=f"predictions along {fits[0].points.x_name}" if fits else None, caption="95 % intervals, if the form is right")
    for name in ("curve", "form", "x", "mean", "a new run", "beyond the widest"):
        table.add_column(name, justify="right" if name in ("x", "beyond the widest") else "left")
    for fit in fits:
        for made in foretell(fit, sizes):
            beyond = f"{made.beyond:.3g} times" if made.beyond > 1 else ""
            numbers = (amount(fit, made.mean), amount(fit, made.run) if made.run else "–")
            table.add_row(escape(fit.label), fit.laws[made.form].form.formula, f"{made.x:g}", *map(escape, numbers), beyond)
    return table


def _verdict(fit: Fit) -> str:
    """Which form its points ask for, and why."""
    return f"{fit.label}: {fit.verdict.choice}" + (f" ({fit.verdict.evidence})" if fit.verdict.evidence else "")
