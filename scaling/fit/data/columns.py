"""Columns of a table by their names: as numbers or as texts, checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from scaling.errors import TableError

SMALLEST, LARGEST = 1e-30, 1e30
"""Of what is fitted: squares and powers of numbers between these can be computed with."""
LETTERS = 40
"""Of a value that a message shows."""


def check_column(columns: Sequence[str], name: str) -> None:
    """Refuse a name that no column has.

    Raises:
        TableError: with the columns that there are.
    """
    if name not in columns:
        close = get_close_matches(name, columns, n=1)
        raise TableError(
            f"{name}: no such column; "
            + (f"did you mean {close[0]}? " if close else "")
            + f"columns: {', '.join(columns)}"
        )


def first_duplicate(names: Sequence[str]) -> str | None:
    """The first name that occurs more than once."""
    return next((name for name, number in Counter(names).items() if number > 1), None)


def numeric_column(table: pa.Table, name: str) -> Float[np.ndarray, " rows"]:
    """A column as float64, NaN where it has nothing.

    Raises:
        TableError: it holds something else.
    """
    kind = table.schema.field(name).type
    if not (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_null(kind)
    ):
        values = table[name].to_pylist()
        row = _odd(values)
        shown = f" (row {row + 1}: {values[row]!s:.{LETTERS}})" if values else ""
        raise TableError(
            f"{name}: holds {kind}, not numbers{shown}; choose another column or write plain numbers"
        )
    return np.asarray(table[name].cast(pa.float64(), safe=False).to_numpy())


def check_range(name: str, values: Float[np.ndarray, " rows"]) -> None:
    """Refuse numbers that are out of all proportion; 0 and what isn't finite are refused elsewhere, where they must be.

    Raises:
        TableError: with the first of them.
    """
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    far = sizes[(sizes < SMALLEST) | (sizes > LARGEST)]
    if far.size:
        raise TableError(f"{name}: holds {far[0]:g}; write it in a unit in which numbers are nearer to 1")


def text_column(table: pa.Table, name: str) -> list[str]:
    """A column as the words that name a group."""
    return ["none" if value is None else str(value) for value in table[name].to_pylist()]


def _odd(values: Sequence[Any]) -> int:
    """The place of the first value that is no number, as ``n/a`` is among numbers; the first of all where each could be one."""
    for row, value in enumerate(values):
        try:
            float(0 if value is None else value)
        except (TypeError, ValueError):
            return row
    return 0
