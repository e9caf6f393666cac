"""How results are printed: tables and lines for people, JSON for programs.

Stores, tables, studies and file names come from other people. No text of theirs reaches the terminal as a
control sequence or as markup: commands print through the functions of this module only.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from scaling import api
from scaling.control_characters import escape_control_characters

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
    """Print a table of ``new_table``; one whose numbers need more columns than the terminal has is wider."""
    from rich.cells import cell_len
    from rich.measure import Measurement

    from scaling.cli.plain_console import PlainConsole

    terminal = console()
    for column in table.columns:
        if column.no_wrap:
            cells = map(str, (column.header, *column.cells))
            column.min_width = max(cell_len(line) for cell in cells for line in cell.split("\n"))
    least = Measurement.get(terminal, terminal.options.update(width=_MAX_WIDTH), table).minimum
    (PlainConsole(width=least) if least > terminal.width else terminal).print(table)


def print_json(value: Any) -> None:
    """Print a value as JSON, with null in the place of NaN and infinity."""
    print(json.dumps(api.replace_nonfinite(value), indent=2, allow_nan=False))


def count(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: ``1 run``, ``2 runs``; by default the plural adds an s."""
    return f"{number} {noun}" if number == 1 else f"{number} {plural or noun + 's'}"
