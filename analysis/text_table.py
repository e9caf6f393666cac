"""Tables of text that the terminal and the HTML pages share."""

from __future__ import annotations

from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from scaling.control_characters import escape_control_characters


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
        table = Table(
            title=_plain_text(self.title, "table.title"), caption=_plain_text(self.caption, "table.caption")
        )
        for column in self.columns:
            table.add_column(
                _plain_text(column),
                justify="right" if column in self.right else "left",
                no_wrap=column in self.no_wrap,
            )
        for row in self.rows:
            table.add_row(*(_plain_text(cell) if isinstance(cell, str) else cell for cell in row))
        return table


def _plain_text(text: str, style: str = "") -> Text:
    """Return a text of others for the terminal, without markup and control characters."""
    return Text(escape_control_characters(text), style=style)
