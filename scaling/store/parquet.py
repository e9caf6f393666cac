"""Encoding of tables as Parquet files, and decoding with errors that name the file."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from scaling.errors import StoreError
from scaling.store.schema import SCHEMA_VERSION, SCHEMAS

# The runs table of a part has forty columns with a few numbers each: snappy compresses it as well as zstd and
# decompresses it in half the time.
_COMPRESSION = {"runs": "snappy", "epochs": "snappy", "predictions": "zstd", "test_sets": "zstd"}


def encode_table(table: pa.Table, kind: str) -> bytes:
    """Return a table as a small Parquet file that names the version of its schema.

    Args:
        table: rows in the schema ``SCHEMAS[kind]``.
        kind: name of the table, such as ``runs``.
    """
    table = table.replace_schema_metadata(SCHEMAS[kind].metadata)
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


def decode_table(
    data: bytes, kind: str, *, name: str, hint: str, columns: Sequence[str] | None = None
) -> pa.Table:
    """Return columns of a Parquet file in the current schema; columns that the file lacks are null.

    Args:
        data: content of the file.
        kind: name of the table, such as ``runs``.
        name: full name of the file, for messages.
        hint: what to do about a damaged file, for messages.
        columns: names of the columns; by default all.

    Raises:
        StoreError: the file is damaged, is not a table of this software, or has a newer schema.
    """
    wanted = select_fields(kind, columns)
    try:
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        stored = file.schema_arrow
        version = int((stored.metadata or {})[b"scaling.schema"])
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{name}: written by a newer version of this software (schema {version}; this version reads"
                f" up to {SCHEMA_VERSION}); upgrade with: pip install --upgrade scaling-studies"
            )
        if stored.equals(SCHEMAS[kind]):
            return _read_current(file, kind, wanted)
        return _read_outdated(file, wanted)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise StoreError(f"{name}: cannot be read as Parquet ({reason}); {hint}") from error
    except (KeyError, ValueError):
        raise StoreError(f"{name}: not a table of this software; move it out of the store") from None


def _read_current(file: pq.ParquetFile, kind: str, wanted: pa.Schema) -> pa.Table:
    """Read a file in the current schema. A store has thousands of such files, so this path avoids casts."""
    if wanted is SCHEMAS[kind]:
        table = file.read(use_threads=False)
    else:
        table = file.read(wanted.names, use_threads=False).select(wanted.names)
    return table.replace_schema_metadata(wanted.metadata)


def _read_outdated(file: pq.ParquetFile, wanted: pa.Schema) -> pa.Table:
    stored = set(file.schema_arrow.names)
    table = file.read([column for column in wanted.names if column in stored], use_threads=False)
    columns = [
        table[field.name].cast(field.type) if field.name in stored else pa.nulls(len(table), field.type)
        for field in wanted
    ]
    return pa.Table.from_arrays(columns, schema=wanted)
