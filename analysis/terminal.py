"""The laws as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from analysis.laws import law_words
from scaling.fit import Fit, Status

COLORS = {Status.USABLE: "green", Status.LOOK: "yellow", Status.REFUSE: "red"}


def laws_text(fits: Iterable[Fit]) -> Table:
    """Every law with its intervals, its held-out error and how far to trust it."""
    fits = list(fits)
    table = Table(title=f"error against {fits[0].points.x_name}" if fits else None, caption="; ".join(sorted({fit.estimand for fit in fits})))
    for name in ("curve", "form", "exponent", "floor", "held out: log RMSE, bias", "widths", "runs", "status"):
        table.add_column(name, justify="right" if name in ("widths", "runs") else "left")
    for law in law_words(fits):
        status = f"[{COLORS[law.status]}]{law.status}[/]" + (f": {escape(law.reason)}" if law.reason else "")
        numbers = (law.exponent, law.floor, law.held_out)
        table.add_row(escape(law.label), law.form, *map(escape, numbers), str(law.widths), str(law.runs), status)
    return table
