"""CSV files, and what people call so: commas between columns, points in numbers, UTF-8."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from scaling.errors import TableError


def read_csv(source: Path) -> pa.Table:
    """Read a CSV file.

    Raises:
        TableError: it is in another encoding or has other separators.
        pa.ArrowException: its lines are no table.
    """
    with source.open("rb") as file:
        if problem := _fault(file.readline()):
            raise TableError(f"{source}: {problem}")
    table = csv.read_csv(source)
    for field in table.schema:
        if pa.types.is_binary(field.type):
            raise TableError(f"{source}: {field.name} holds text that is not UTF-8; save it as UTF-8")
    return table


def _fault(head: bytes) -> str:
    """What is wrong with a first line; empty where nothing is."""
    try:
        line = head.decode("utf-8-sig")
    except UnicodeDecodeError:
        line = "\0"
    if "\0" in line:  # UTF-16 writes it beside every letter, and files that are no text hold some
        return "is not UTF-8 text; save it as CSV in UTF-8, one row a run"
    for separator, name in ((";", "semicolons"), ("\t", "tabs")):
        if separator in line and "," not in line:
            return f"has {name} between its columns; write commas there, and points in numbers"
    return ""
