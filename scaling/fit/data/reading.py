"""Files with tables of runs: Parquet, CSV, TSV, JSON, Feather, and folders of Parquet files."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow import csv, feather

from scaling.errors import TableError
from scaling.files import file_problem
from scaling.fit.data.column_types import with_common_types
from scaling.fit.data.columns import check_unique_columns
from scaling.fit.data.csv_values import CONVERT_OPTIONS, parse_objects
from scaling.fit.data.json_rows import columns_of, decode_text, parse_json, parse_json_lines

_COMPRESSED = ".gz"
_BAD_GZIP = (EOFError, zlib.error)


def is_table_file(source: str) -> bool:
    """Return True if the name of a file is that of a table."""
    return _kind(Path(source)) is not None


def is_parquet_folder(source: Path) -> bool:
    """Return True for a folder with Parquet files in it or in folders such as ``width=8``.

    A store is none: its files are in folders of other names.
    """
    if not source.is_dir():
        return False
    return any(source.glob("*.parquet")) or any(
        any(folder.rglob("*.parquet")) for folder in source.glob("*=*") if folder.is_dir()
    )


def read_table(source: Path) -> pa.Table:
    """Read a table of runs.

    Args:
        source: a file that ends in one of ``TABLE_SUFFIXES``, where text may be compressed (``.csv.gz``), or
            a folder of Parquet files, whose folders such as ``width=8`` become columns.

    Raises:
        TableError: the file is missing, of another type, unreadable, without rows, or has two columns of one
            name.
    """
    reader: Callable[[Path], pa.Table]
    if is_parquet_folder(source):
        reader = _read_parquet_folder
    else:
        kind = _kind(source)
        if kind is None:
            raise TableError(f"{source}: expected a file that ends in {SUFFIXES_TEXT}")
        if problem := file_problem(source):
            raise TableError(f"{source}: {problem}; give the path of a table of runs")
        if not source.stat().st_size:
            raise TableError(f"{source}: is empty; give one row a run")
        reader = _READERS[kind]
    try:
        table = _flatten(reader(source))
        _check_values(table)
    except UnicodeDecodeError as error:
        raise TableError(f"{source}: has names that are not UTF-8 text; save it as UTF-8") from error
    except (pa.ArrowException, OSError, *_BAD_GZIP, ValueError) as error:
        message = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TableError(f"{source}: cannot be read ({message}); write it again, one row a run") from error
    if not len(table):
        raise TableError(f"{source}: has no rows; give one row a run")
    try:
        check_unique_columns(table.column_names)
        return with_common_types(table)
    except TableError as error:
        raise TableError(f"{source}: {error}") from None


def _kind(source: Path) -> str | None:
    """Return the suffix that says how a file is read; None for a file of another kind."""
    name = source.name.lower()
    bare = name.removesuffix(_COMPRESSED)
    suffix = Path(bare).suffix
    if suffix not in _READERS or (bare != name and suffix not in _TEXTS):
        return None
    return suffix


def _read_parquet(source: Path) -> pa.Table:
    # Without partitioning, a folder named a=b adds no column.
    return pq.read_table(source, partitioning=None)


def _read_parquet_folder(source: Path) -> pa.Table:
    return ds.dataset(source, format="parquet", partitioning="hive").to_table()


def _read_feather(source: Path) -> pa.Table:
    return feather.read_table(source)


def _read_csv(source: Path, *, delimiter: str = ",") -> pa.Table:
    with _open(source) as file:
        if problem := _header_problem(file.readline(), delimiter):
            raise TableError(f"{source}: {problem}")
    with _open(source) as file:
        table = csv.read_csv(
            file, parse_options=csv.ParseOptions(delimiter=delimiter), convert_options=CONVERT_OPTIONS
        )
    for field in table.schema:
        if pa.types.is_binary(field.type):
            raise TableError(f"{source}: {field.name} holds text that is not UTF-8; save it as UTF-8")
    return parse_objects(table)


def _read_tsv(source: Path) -> pa.Table:
    return _read_csv(source, delimiter="\t")


def _read_json(source: Path) -> pa.Table:
    """Read a list of objects, an object of columns, or one object a line."""
    text = _read_text(source)
    try:
        value = parse_json(text)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":  # after the first object
            return _read_json_lines(source)
        raise ValueError(f"line {error.lineno} is not JSON: {error.msg} (column {error.colno})") from error
    if isinstance(value, Mapping) and all(isinstance(column, list) for column in value.values()):
        return pa.table(columns_of(_rows(value)))
    if isinstance(value, list) and all(isinstance(row, Mapping) for row in value):
        return pa.table(columns_of(value))
    if isinstance(value, Mapping) and not any(isinstance(column, Mapping) for column in value.values()):
        return pa.table(columns_of([value]))
    raise TableError(
        f"{source}: expected a list of objects, one a run, or an object of columns (with pandas: "
        "to_json(..., orient='records'))"
    )


def _rows(columns: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """Return the rows of an object of columns."""
    lengths = {len(column): name for name, column in columns.items()}
    if len(lengths) > 1:
        (n, name), (other_n, other) = list(lengths.items())[:2]
        raise ValueError(f"{name} has {n:,} values and {other} has {other_n:,}")
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _read_json_lines(source: Path) -> pa.Table:
    return pa.table(columns_of(parse_json_lines(_read_text(source))))


def _read_text(source: Path) -> str:
    """Return the text of JSON in UTF-8, or in UTF-16 or UTF-32."""
    with _open(source) as file:
        content = file.read()
    return decode_text(content, json.detect_encoding(content))


def _open(source: Path) -> Any:
    return gzip.open(source) if source.name.lower().endswith(_COMPRESSED) else source.open("rb")


def _flatten(table: pa.Table) -> pa.Table:
    """Turn objects inside rows into columns: ``config`` with ``lr`` into ``config.lr``."""
    while any(pa.types.is_struct(field.type) for field in table.schema):
        table = table.flatten()
    return table


def _check_values(table: pa.Table) -> None:
    """Check that values are what the types of their columns say; Arrow reads text of any encoding as UTF-8.

    Raises:
        UnicodeDecodeError: the name of a column is not UTF-8.
        ValueError: a column holds other values; the message names the column.
    """
    for name, column in zip(table.column_names, table.columns, strict=True):
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            raise ValueError(f"{name} holds text that is not UTF-8, or damaged values: {error}") from error


def _header_problem(header: bytes, delimiter: str) -> str:
    """Return what is wrong with the first line; empty if nothing is."""
    try:
        line = header.decode("utf-8-sig")
    except UnicodeDecodeError:
        line = "\0"
    if "\0" in line:  # UTF-16 has a null byte beside every letter, and binary files have some
        return "is not UTF-8 text; save it as CSV in UTF-8, one row a run"
    if delimiter in line:
        return ""
    for separator, name in ((";", "semicolons"), ("\t", "tabs"), (",", "commas")):
        if separator in line:
            wanted = "commas" if delimiter == "," else "tabs"
            hint = ", or end the name of the file in .tsv" if separator == "\t" else ""
            rule = f"use {wanted} between columns and decimal points in numbers{hint}"
            return f"has {name} between columns; {rule}"
    return ""


_TEXTS: dict[str, Callable[[Path], pa.Table]] = {
    ".csv": _read_csv,
    ".tsv": _read_tsv,
    ".json": _read_json,
    ".jsonl": _read_json_lines,
    ".ndjson": _read_json_lines,
}
"""Readers of text, which may be compressed by gzip, by suffix."""
_READERS = {".parquet": _read_parquet, ".feather": _read_feather, ".arrow": _read_feather, **_TEXTS}
"""Readers by suffix."""

TABLE_SUFFIXES = tuple(_READERS)
"""Ends of the names of tables; those of text may be followed by ``.gz``."""
SUFFIXES_TEXT = f"{', '.join(TABLE_SUFFIXES)}, or text with .gz"
"""Ends of the names of tables, for messages."""
