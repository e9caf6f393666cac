"""How results are printed: tables for people, JSON for programs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from scaling import api

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod
    from rich.table import Table

_TEXT_COLUMNS = {
    *(
        "architecture",
        "network",
        "picture",
        "curve",
        "image",
        "learning rate",
        "method",
        "precision",
        "published",
        "setting",
        "source",
    ),
}
"""Headings of columns that hold text; the others hold numbers and are aligned to the right."""
_PIPE_WIDTH = 160
"""Columns of a table that is written to a pipe or a file."""


def console() -> Console:
    """Return a console for results on stdout. Progress and errors go to stderr."""
    from rich.console import Console

    terminal = Console()
    return terminal if terminal.is_terminal else Console(width=_PIPE_WIDTH)


def new_table(*headings: str, title: str | None = None) -> Table:
    """Return a table without rows."""
    from rich.table import Table

    table = Table(title=title)
    for heading in headings:
        justify: JustifyMethod = "left" if heading in _TEXT_COLUMNS else "right"
        table.add_column(heading, justify=justify, overflow="fold")
    return table


def print_json(value: Any) -> None:
    """Print a value as JSON, with null in the place of NaN and infinity."""
    print(json.dumps(api.replace_nonfinite(value), indent=2, allow_nan=False))


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: ``1 run``, ``2 runs``; by default the plural adds an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"
