"""CSV files: commas between columns, decimal points, UTF-8."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from scaling.errors import TableError


def read_csv(source: Path) -> pa.Table:
    """Read a CSV file.

    Raises:
        TableError: the file has another encoding or other separators.
        pa.ArrowException: the lines are not a table.
    """
    with source.open("rb") as file:
        if problem := _header_problem(file.readline()):
            raise TableError(f"{source}: {problem}")
    table = csv.read_csv(source)
    for field in table.schema:
        if pa.types.is_binary(field.type):
            raise TableError(f"{source}: {field.name} holds text that is not UTF-8; save it as UTF-8")
    return table


def _header_problem(header: bytes) -> str:
    """Return what is wrong with the first line; empty if nothing is."""
    try:
        line = header.decode("utf-8-sig")
    except UnicodeDecodeError:
        line = "\0"
    if "\0" in line:  # UTF-16 has a null byte beside every letter, and binary files have some
        return "is not UTF-8 text; save it as CSV in UTF-8, one row a run"
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if separator in line and "," not in line:
            return f"has {name} between columns; use commas between columns and decimal points in numbers"
    return ""
