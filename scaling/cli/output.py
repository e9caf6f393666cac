"""How results are printed: tables and lines for people, JSON for programs.

Stores, tables, studies and file names come from other people. No text of theirs reaches the terminal as a
control sequence or as markup: commands print through the functions of this module only.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from scaling import api
from scaling.control_characters import escape_control_characters

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod, RenderableType
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
_NAMES = ("network", "curve")
"""Headings of first columns whose texts stand above their rows in a narrow terminal."""
_RULE = "─"
"""Character of the line below the headings of a table."""
_MAX_WIDTH = 10_000
_PIPE_WIDTH = 160
"""Columns of a table that is written to a pipe or a file."""


def console() -> Console:
    """Return a console for results on stdout. Progress and errors go to stderr."""
    from scaling.cli.plain_console import PlainConsole

    terminal = PlainConsole()
    return terminal if terminal.is_terminal else PlainConsole(width=_PIPE_WIDTH)


def print_text(text: str = "", *, end: str = "\n", to_stderr: bool = False, flush: bool = False) -> None:
    """Print a text for people, with its control characters escaped."""
    stream = sys.stderr if to_stderr else sys.stdout
    print(escape_control_characters(text), end=end, file=stream, flush=flush)


def print_prose(text: str) -> None:
    """Print sentences; on a terminal, with line breaks between words only."""
    from rich.text import Text

    terminal = console()
    if terminal.is_terminal:
        terminal.print(Text(escape_control_characters(text)))
    else:
        print_text(text)


@contextmanager
def progress_bar(label: str, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Show a bar with the time left on stderr, if that is a terminal.

    Args:
        label: text before the bar.
        quiet: True to show nothing.

    Yields:
        A function that receives the number of finished steps, and the number of all steps.
    """
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = TextColumn(label), BarColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    progress = Progress(*columns, console=Console(stderr=True), transient=True)
    progress.disable = quiet or not progress.console.is_terminal
    with progress:
        task = progress.add_task("")
        yield lambda done, steps: progress.update(task, completed=done, total=steps)


def new_table(*headings: str, title: str | None = None) -> Table:
    """Return a table without rows, which ``print_table`` prints.

    Only text is wrapped in a narrow terminal, and numbers never.

    Args:
        headings: headings of the columns; one with a line break has two lines.
        title: title above the table.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True, title_justify="left")
    for heading in headings:
        is_text = heading.replace("\n", " ") in _TEXT_COLUMNS
        justify: JustifyMethod = "left" if is_text else "right"
        table.add_column(heading, justify=justify, overflow="fold", no_wrap=not is_text)
    return table


def print_table(table: Table) -> None:
    """Print a table of ``new_table``; one whose numbers need more columns than the terminal has is wider.

    In a terminal that is too narrow for the texts too, names of networks and curves stand above their rows.
    """
    from rich.cells import cell_len
    from rich.measure import Measurement

    from scaling.cli.plain_console import PlainConsole

    def measure(table: Table) -> Measurement:
        for column in table.columns:
            if column.no_wrap:
                cells = map(str, (column.header, *column.cells))
                column.min_width = max(cell_len(line) for cell in cells for line in cell.split("\n"))
        return Measurement.get(terminal, terminal.options.update(width=_MAX_WIDTH), table)

    terminal, names = console(), list[str]()
    if table.columns[0].header in _NAMES and measure(table).maximum > terminal.width:
        table, names = _grouped(table)
    least = measure(table).minimum
    if least > terminal.width:
        terminal = PlainConsole(width=least)
    if names:
        _print_grouped(table, names, terminal)
    else:
        terminal.print(table)


def _grouped(table: Table) -> tuple[Table, list[str]]:
    """Return a table without its first column, with an empty row before each group of rows, and their names.

    The rows of a group have the same text in the first column.
    """
    groups: dict[str, list[list[RenderableType]]] = {}
    for name, *cells in zip(*(column.cells for column in table.columns), strict=True):
        groups.setdefault(str(name), []).append(cells)
    grouped = new_table(*(str(column.header) for column in table.columns[1:]))
    grouped.title = table.title
    for rows in groups.values():
        grouped.add_row()
        for row in rows:
            grouped.add_row(*row)
    return grouped, list(groups)


def _print_grouped(table: Table, names: Sequence[str], terminal: Console) -> None:
    """Print a table of ``_grouped`` with the names in the place of the empty rows."""
    from rich.text import Text

    with terminal.capture() as capture:
        terminal.print(table)
    left, in_rows = list(names), False
    for line in capture.get().splitlines():
        if in_rows and left and not line.strip():
            terminal.print(Text(f" {escape_control_characters(left.pop(0))}", style="bold"))
        else:
            print(line, file=terminal.file)
        in_rows = in_rows or _RULE in line


def print_json(value: Any) -> None:
    """Print a value as JSON, with null in the place of NaN and infinity."""
    print(json.dumps(api.replace_nonfinite(value), indent=2, allow_nan=False))


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: ``1 run``, ``2 runs``; by default the plural adds an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"
