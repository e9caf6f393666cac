"""Tables of text that the terminal and the HTML pages share."""

from __future__ import annotations

from dataclasses import dataclass

from rich.markup import escape
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """A table whose cells are text."""

    title: str
    caption: str
    columns: tuple[str, ...]
    """Headings."""
    rows: tuple[tuple[str | Text, ...], ...]
    right: frozenset[str] = frozenset()
    """Columns that are aligned to the right."""
    no_wrap: frozenset[str] = frozenset()
    """Columns whose lines are not broken in the terminal."""

    def render(self) -> Table:
        """Return the table for the terminal."""
        table = Table(title=escape(self.title), caption=escape(self.caption))
        for column in self.columns:
            table.add_column(
                escape(column),
                justify="right" if column in self.right else "left",
                no_wrap=column in self.no_wrap,
            )
        for row in self.rows:
            table.add_row(*(Text(cell) if isinstance(cell, str) else cell for cell in row))
        return table
