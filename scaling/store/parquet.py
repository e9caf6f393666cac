"""Encoding of tables as Parquet files, and decoding with errors that name the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from scaling.errors import StoreError, upgrade_command
from scaling.store.backend import DamagedFileError
from scaling.store.schema import ADDED_COLUMNS, SCHEMA_VERSION, SCHEMAS
from scaling.store.table_check import find_null

# The runs table of a part has forty columns with a few numbers each: snappy compresses it as well as zstd and
# decompresses it in half the time.
_COMPRESSION = {"runs": "snappy", "epochs": "snappy", "predictions": "zstd", "test_sets": "zstd"}


def encode_table(table: pa.Table, kind: str, metadata: Mapping[str, str] | None = None) -> bytes:
    """Return a table as a small Parquet file that names the version of its schema.

    Args:
        table: rows in the schema ``SCHEMAS[kind]``.
        kind: name of the table, such as ``runs``.
        metadata: further metadata of the file.
    """
    schema = SCHEMAS[kind].with_metadata(SCHEMAS[kind].metadata | (metadata or {}))
    table = pa.Table.from_arrays(table.select(schema.names).columns, schema=schema)
    sink = pa.BufferOutputStream()
    # In files of a few rows, dictionaries and statistics cost more bytes than they save.
    pq.write_table(
        table,
        sink,
        compression=_COMPRESSION[kind],
        write_page_checksum=True,
        use_dictionary=False,
        write_statistics=False,
    )
    data: bytes = sink.getvalue().to_pybytes()
    return data


def select_fields(kind: str, columns: Sequence[str] | None) -> pa.Schema:
    """Return the schema of some columns of a table, in the given order; by default of all columns."""
    schema = SCHEMAS[kind]
    if columns is None:
        return schema
    return pa.schema([schema.field(column) for column in columns], metadata=schema.metadata)


@dataclass(frozen=True, kw_only=True)
class DecodedFile:
    """Content of a Parquet file."""

    table: pa.Table
    metadata: Mapping[bytes, bytes]
    """Metadata of the file."""


def decode_table(data: bytes, kind: str, *, name: str, columns: Sequence[str] | None = None) -> DecodedFile:
    """Return columns of a Parquet file in the current schema; columns that an older file lacks are null.

    Args:
        data: content of the file.
        kind: name of the table, such as ``runs``.
        name: full name of the file, for messages.
        columns: names of the columns; by default all.

    Raises:
        DamagedFileError: the file is damaged or is not a table of this software.
        StoreError: the file has a newer schema.
    """
    wanted = select_fields(kind, columns)
    try:
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        stored = file.schema_arrow
        metadata = stored.metadata or {}
        version = int(metadata[b"scaling.schema"])
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{name}: written by a newer version of this software (schema {version}; this version reads"
                f" up to {SCHEMA_VERSION}); upgrade with: {upgrade_command()}"
            )
        if stored.equals(SCHEMAS[kind]):
            table = _read_current(file, kind, wanted)
        else:
            table = _read_outdated(file, kind, wanted)
    except (pa.ArrowException, OSError, _UnsuitableTableError) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise DamagedFileError(name, f"cannot be read as a table of {kind} ({reason})") from error
    except (KeyError, ValueError):
        raise DamagedFileError(name, "not a table of this software") from None
    if problem := find_null(table, kind):
        raise DamagedFileError(name, problem)
    return DecodedFile(table=table, metadata=metadata)


class _UnsuitableTableError(Exception):
    """A Parquet file has other columns than the table."""


def _read_current(file: pq.ParquetFile, kind: str, wanted: pa.Schema) -> pa.Table:
    """Read a file in the current schema. A store has thousands of such files, so this path avoids casts."""
    if wanted is SCHEMAS[kind]:
        table = file.read(use_threads=False)
    else:
        table = file.read(wanted.names, use_threads=False).select(wanted.names)
    return table.replace_schema_metadata(wanted.metadata)


def _read_outdated(file: pq.ParquetFile, kind: str, wanted: pa.Schema) -> pa.Table:
    stored = set(file.schema_arrow.names)
    if missing := sorted(set(SCHEMAS[kind].names) - stored - ADDED_COLUMNS[kind]):
        raise _UnsuitableTableError(f"without the columns {', '.join(missing)}")
    table = file.read([column for column in wanted.names if column in stored], use_threads=False)
    columns = [
        table[field.name].cast(field.type) if field.name in stored else pa.nulls(len(table), field.type)
        for field in wanted
    ]
    return pa.Table.from_arrays(columns, schema=wanted)
