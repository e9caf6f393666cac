"""Files of tables: numbers as .csv, and the same tables for papers as .tex and .md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from analysis.latex_table import latex_table
from analysis.markdown_table import markdown_table
from analysis.text_table import TextTable
from scaling.errors import UsageError, shorten

TABLE_FORMATS = ("csv", "tex", "md")
"""Formats of tables; .csv is always written."""

_LATEX_HEAD = "% Needs \\usepackage{booktabs}.\n"


@dataclass(frozen=True, kw_only=True, eq=False)
class PaperTable:
    """A table as numbers for programs, and as text for papers."""

    name: str
    """Name of its files, without the suffix."""
    numbers: pa.Table
    """Every number with all of its digits."""
    texts: tuple[TextTable, ...]
    """The same numbers with the digits that their intervals justify; several for numbers of several axes."""


def check_table_formats(formats: Sequence[str]) -> None:
    """Check the names of formats.

    Raises:
        UsageError: there is no such format.
    """
    for name in formats:
        if name not in TABLE_FORMATS:
            raise UsageError(
                f"{shorten(name) or 'no format'}: expected {', '.join(TABLE_FORMATS)}, separated by commas",
                option="tables",
            )


def write_tables(tables: Iterable[PaperTable], folder: Path, formats: Sequence[str] = ()) -> list[Path]:
    """Write tables as .csv, and in further formats; an empty table is written as .csv only.

    Args:
        tables: the tables.
        folder: an existing folder. Files of the same names are replaced.
        formats: names of ``TABLE_FORMATS``.

    Returns:
        The files.
    """
    files = []
    for table in tables:
        contents = _texts(table, formats)
        path = folder / f"{table.name}.csv"
        csv.write_csv(table.numbers, path)
        files.append(path)
        for suffix, content in contents.items():
            path = folder / f"{table.name}.{suffix}"
            path.write_text(content, encoding="utf-8")
            files.append(path)
    return files


def _texts(table: PaperTable, formats: Sequence[str]) -> dict[str, str]:
    """Return the content of the files for papers by their suffix."""
    if not table.texts:
        return {}
    contents = {}
    if "tex" in formats:
        labels = [table.name, *(f"{table.name}-{number}" for number in range(2, len(table.texts) + 1))]
        parts = [latex_table(text, label=label) for text, label in zip(table.texts, labels, strict=True)]
        contents["tex"] = "\n".join([_LATEX_HEAD, *parts])
    if "md" in formats:
        contents["md"] = "\n".join(map(markdown_table, table.texts))
    return contents
