"""Tables to Parquet and back, with every doubt about a file told in its name."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from scaling.errors import StoreError
from scaling.store.schema import SCHEMA_VERSION, SCHEMAS

COMPRESSION = {"runs": "snappy", "epochs": "snappy", "predictions": "zstd", "test_sets": "zstd"}
"""A part of runs has forty columns of a few numbers: snappy packs them as tightly as zstd, and reads them in half the time."""


def encode_table(table: pa.Table, kind: str) -> bytes:
    """A small Parquet file that names its schema's version."""
    table = table.replace_schema_metadata(SCHEMAS[kind].metadata)
    sink = pa.BufferOutputStream()
    # Dictionaries and statistics cost more bytes than they save in parts of a few rows.
    pq.write_table(
        table,
        sink,
        compression=COMPRESSION[kind],
        write_page_checksum=True,
        use_dictionary=False,
        write_statistics=False,
    )
    data: bytes = sink.getvalue().to_pybytes()
    return data


def select_fields(kind: str, columns: Sequence[str] | None) -> pa.Schema:
    """Some columns of a table, in this order; all by default."""
    schema = SCHEMAS[kind]
    return (
        schema
        if columns is None
        else pa.schema([schema.field(column) for column in columns], metadata=schema.metadata)
    )


def decode_table(
    data: bytes, kind: str, *, name: str, remedy: str, columns: Sequence[str] | None = None
) -> pa.Table:
    """Columns of a file, in today's schema; those that are younger than the file are null.

    Args:
        data: the file's content.
        kind: which of ``SCHEMAS`` it is part of.
        name: the file, for messages.
        remedy: what to do about a corrupt one, for messages.
        columns: all by default.

    Raises:
        StoreError: it is half a file, no file of ours, or from a newer version of this software.
    """
    wanted = select_fields(kind, columns)
    try:
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True)
        own = file.schema_arrow
        version = int((own.metadata or {})[b"scaling.schema"])
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{name}: written by a newer version of this software (schema {version}; this one knows {SCHEMA_VERSION}); "
                "upgrade it: pip install --upgrade scaling"
            )
        if own.equals(
            SCHEMAS[kind]
        ):  # thousands of parts, each of tens of columns: the usual case is worth its lines
            whole = wanted is SCHEMAS[kind]
            table = (
                file.read(use_threads=False)
                if whole
                else file.read(wanted.names, use_threads=False).select(wanted.names)
            )
            return table.replace_schema_metadata(wanted.metadata)
        held = set(own.names)
        table = file.read([column for column in wanted.names if column in held], use_threads=False)
        today = [
            table[f.name].cast(f.type) if f.name in held else pa.nulls(len(table), f.type) for f in wanted
        ]
    except (pa.ArrowException, OSError) as error:
        raise StoreError(
            f"{name}: can't be read as Parquet ({str(error).splitlines()[0]}); {remedy}"
        ) from error
    except (KeyError, ValueError):
        raise StoreError(f"{name}: not a table of this software; move it out of the store") from None
    return pa.Table.from_arrays(today, schema=wanted)
