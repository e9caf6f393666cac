"""Tables of text as Markdown, in the syntax that GitHub, Pandoc and Sphinx share."""

from __future__ import annotations

import re
from collections.abc import Sequence

from analysis.text_table import TextTable
from scaling.control_characters import escape_control_characters

_SPECIAL = re.compile(r"[\\`*_<|~^$&]|(?<=\])\(")
"""Signs that start a mark-up, or end a cell."""


def markdown_table(table: TextTable) -> str:
    """Return a table below its title and above its caption."""
    rules = ["---:" if column in table.right else "---" for column in table.columns]
    blanks = [""] * len(table.columns)
    rows = [[escape(str(cell)) for cell in row] + blanks[len(row) :] for row in table.rows]
    lines = [_line([escape(column) for column in table.columns]), _line(rules), *map(_line, rows)]
    texts = [escape(text) for text in (table.title, table.caption)]
    blocks = [f"**{texts[0]}**" if texts[0] else "", "\n".join(lines), texts[1]]
    return "\n\n".join(filter(None, blocks)) + "\n"


def escape(text: str) -> str:
    """Return a text in which no sign is a mark-up."""
    return _SPECIAL.sub(r"\\\g<0>", escape_control_characters(text.replace("\n", " ")))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
