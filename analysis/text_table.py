"""Tables of text that the terminal and the HTML pages share.

In the terminal, no number is ever broken or cut. A table that fits is a table, whose texts may be wrapped.
Reasons of statuses that do not fit get lines of their own. A table whose numbers do not fit is a list: a
paragraph for each row, which is broken between its values only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from scaling.control_characters import escape_control_characters

STATUS = "status"
"""Column of statuses with their reasons."""
_GAP = 2
"""Columns of the terminal between two columns of a table."""
_INDENT = 2
_LEAST_TEXT = 12
"""Columns of the terminal below which no text is wrapped, such as a formula."""
_NUMBER = re.compile(r"([-+]?\d|[–~<>]|never|$)(?!.*[^\W\d]{4})")
"""A cell with a number, or with what stands in the place of one, and without words."""


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """A table whose cells are text, which a console prints."""

    title: str
    caption: str
    columns: tuple[str, ...]
    """Headings."""
    rows: tuple[tuple[str | Text, ...], ...]
    """Cells; a row with fewer cells than headings ends with empty ones."""
    right: frozenset[str] = frozenset()
    """Columns that are aligned to the right."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        layout = _Layout(self, options.max_width)
        if self.title:
            yield Text("\n" + escape_control_characters(self.title), style="table.title")
        yield from layout.table_lines(console) if layout.fits else layout.paragraphs()
        if self.caption:
            yield Text(escape_control_characters(self.caption), style="table.caption")


@dataclass
class _Layout:
    """Arrangement of a table in a number of columns of the terminal."""

    table: TextTable
    width: int
    columns: list[str] = field(init=False)
    """Headings, without control characters."""
    cells: list[list[Text]] = field(init=False)
    """Cells, without control characters."""
    reasons: list[Text | None] = field(init=False)
    """Status and reason of each row, if they get a line of their own."""
    widths: list[int] = field(init=False)
    """Widths of the columns; those of texts are as small as necessary."""

    def __post_init__(self) -> None:
        self.columns = [escape_control_characters(column) for column in self.table.columns]
        blanks = ("",) * len(self.columns)
        self.cells = [[_plain_text(cell) for cell in (*row, *blanks[len(row) :])] for row in self.table.rows]
        self.reasons = [None] * len(self.cells)
        self.widths = self._fitted_widths()
        if STATUS in self.table.columns and self._total(self._natural_widths()) > self.width:
            self._move_reasons()
            self.widths = self._fitted_widths()

    @property
    def fits(self) -> bool:
        """True if the table fits without a broken number."""
        return self._total(self.widths) <= self.width

    def _column(self, j: int) -> list[Text]:
        return [row[j] for row in self.cells]

    def _is_text(self, j: int) -> bool:
        cells = (re.sub("no limits?", "", cell.plain) for cell in self._column(j))
        return not all(map(_NUMBER.match, cells))

    def _natural_widths(self) -> list[int]:
        return [
            max(cell_len(heading), *(cell.cell_len for cell in self._column(j)), 0)
            for j, heading in enumerate(self.columns)
        ]

    @staticmethod
    def _total(widths: Sequence[int]) -> int:
        return sum(widths) + _GAP * (len(widths) - 1)

    def _fitted_widths(self) -> list[int]:
        """Return the widths. If the table is too wide, headings are wrapped first, and then the texts."""
        widths = self._natural_widths()
        cells = [max((cell.cell_len for cell in self._column(j)), default=0) for j in range(len(widths))]
        headings = [_longest_word(heading) for heading in self.columns]
        words = [
            max((_longest_word(cell.plain) for cell in self._column(j)), default=0)
            for j in range(len(widths))
        ]
        self._shrink(widths, [max(pair) for pair in zip(cells, headings, strict=True)])
        texts = [
            max(headings[j], words[j], min(widths[j], _LEAST_TEXT)) if self._is_text(j) else widths[j]
            for j in range(len(widths))
        ]
        self._shrink(widths, texts)
        return widths

    def _shrink(self, widths: list[int], least: Sequence[int]) -> None:
        """Make the widest columns narrower until the table fits, or until all have their least widths."""
        while self._total(widths) > self.width:
            room = {j: widths[j] - least[j] for j in range(len(widths)) if widths[j] > least[j]}
            if not room:
                return
            widths[max(room, key=lambda j: widths[j])] -= 1

    def _move_reasons(self) -> None:
        """Move statuses that have reasons out of their column, to lines of their own."""
        j = self.table.columns.index(STATUS)
        for i, row in enumerate(self.cells):
            status, colon, _ = row[j].plain.partition(":")
            if colon:
                self.reasons[i], row[j] = row[j], row[j][: len(status)]

    def table_lines(self, console: Console) -> Iterator[Text]:
        """Yield the lines of the table."""
        headings = [Text(heading) for heading in self.columns]
        for line in self._row_lines(headings, console):
            line.stylize("bold")
            yield line
        yield Text("─" * self._total(self.widths))
        for row, reason in zip(self.cells, self.reasons, strict=True):
            yield from self._row_lines(row, console)
            if reason is not None:
                for line in reason.wrap(console, self.width - _INDENT):
                    yield Text.assemble(" " * _INDENT, line)

    def _row_lines(self, row: Sequence[Text], console: Console) -> Iterator[Text]:
        columns = [list(cell.wrap(console, width)) for cell, width in zip(row, self.widths, strict=True)]
        for i in range(max(map(len, columns))):
            line = Text(no_wrap=True, overflow="ignore")
            for j, (name, lines) in enumerate(zip(self.table.columns, columns, strict=True)):
                cell = lines[i].copy() if i < len(lines) else Text()
                cell.rstrip()
                fill = Text(" " * (self.widths[j] - cell.cell_len))
                parts = (fill, cell) if name in self.table.right else (cell, fill)
                line = Text.assemble(line, " " * (_GAP if j else 0), *parts)
            line.rstrip()
            line.no_wrap = True
            yield line

    def paragraphs(self) -> Iterator[Text]:
        """Yield a paragraph for each row, under the texts with which the row begins."""
        columns = self.columns
        heads = next((j for j in range(len(columns)) if not self._is_text(j)), 1) or 1
        above: list[str] = []
        for row, reason in zip(self.cells, self.reasons, strict=True):
            head = [cell.plain for cell in row[:heads]]
            if head != above:
                yield Text(", ".join(filter(None, head)), style="bold")
            above = head
            values = [
                f"{name} {cell.plain}"
                for name, cell in list(zip(columns, row, strict=True))[heads:]
                if cell.plain not in ("", "–") and (name != STATUS or reason is None)
            ]
            for line in _joined(values, self.width - _INDENT):
                yield Text(" " * _INDENT + line)
            if reason is not None:
                yield Text.assemble(" " * _INDENT, reason)


def _joined(values: Sequence[str], width: int) -> Iterator[str]:
    """Yield lines of values, separated by semicolons; a line is broken between values only."""
    line = ""
    for i, value in enumerate(values):
        text = value + (";" if i < len(values) - 1 else "")
        if line and cell_len(line) + 1 + cell_len(text) > width:
            yield line
            line = text
        else:
            line = f"{line} {text}".strip()
    if line:
        yield line


def _longest_word(text: str) -> int:
    return max(map(cell_len, text.split()), default=0)


def _plain_text(cell: str | Text) -> Text:
    """Return a text of others for the terminal, without markup and control characters."""
    return Text(escape_control_characters(cell)) if isinstance(cell, str) else cell
