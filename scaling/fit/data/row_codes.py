"""Rows as integers: equal values have equal codes, for one column or for several together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int
from numpy.typing import NDArray

Codes = Int[np.ndarray, " rows"]
"""Code of each row, from 0; equal rows have equal codes."""


def encode_column(column: pa.ChunkedArray) -> Codes:
    """Return the code of each value; missing values are equal to each other."""
    chunk = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(chunk, pa.ChunkedArray):  # no rows
        return np.zeros(len(chunk), np.int64)
    if pa.types.is_dictionary(chunk.type):
        chunk = chunk.dictionary_decode()
    if pa.types.is_null(chunk.type):
        return np.zeros(len(chunk), np.int64)
    encoded = pc.dictionary_encode(chunk, null_encoding="encode")
    return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), dtype=np.int64)


def combine_codes(codes: Sequence[NDArray[np.int64]], n_rows: int) -> Codes:
    """Return one code for the codes of several columns together.

    Args:
        codes: codes of each column: [rows].
        n_rows: number of rows, for a table without columns.
    """
    combined = np.zeros(n_rows, np.int64)
    for column in codes:
        if not len(column):
            continue
        _, combined = np.unique(combined * (int(column.max()) + 1) + column, return_inverse=True)
    return combined


def encode_rows(table: pa.Table, names: Sequence[str]) -> Codes:
    """Return one code for the values of several columns together."""
    return combine_codes([encode_column(table[name]) for name in names], len(table))
