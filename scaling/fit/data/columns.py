"""Columns of a table by name: as numbers or as text, with checks, and the rows of each group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float
from numpy.typing import NDArray

from scaling.errors import TableError

_SMALLEST, _LARGEST = 1e-30, 1e30
"""Range of numbers whose squares and powers can be computed with."""
_MAX_SHOWN_CHARACTERS = 40
"""Length at which a message cuts a value."""
_MAX_SHOWN_COLUMNS = 20
"""Largest number of columns that a message lists; a store's runs have more, the most similar come first."""


def check_column(columns: Sequence[str], name: str, *, argument: str = "") -> None:
    """Check that a column exists.

    Args:
        columns: existing columns.
        name: requested column.
        argument: argument that requests it, possibly by its default, for the message.

    Raises:
        TableError: there is no such column; the message lists the existing ones, the most similar first.
    """
    if name not in columns:
        endings = [column for column in columns if column.endswith((f"/{name}", f".{name}"))]
        close = endings or get_close_matches(name, columns, n=1)
        nearest = get_close_matches(name, columns, n=_MAX_SHOWN_COLUMNS, cutoff=0.0)
        more = [f"{len(columns) - len(nearest):,} more"] if len(columns) > len(nearest) else []
        raise TableError(
            f"{name}: no such column; "
            + (f"did you mean {' or '.join(close)}? " if close else "")
            + f"columns: {', '.join([*nearest, *more])}"
            + (f"; `{argument}` chooses one" if argument else "")
        )


def first_duplicate(names: Sequence[str]) -> str | None:
    """Return the first name that occurs more than once; None if there is none."""
    return next((name for name, number in Counter(names).items() if number > 1), None)


def check_unique_columns(columns: Sequence[str]) -> None:
    """Check that no two columns have one name.

    Raises:
        TableError: two columns have one name.
    """
    if duplicate := first_duplicate(columns):
        raise TableError(f"{duplicate}: several columns have this name; keep one")


def numeric_column(table: pa.Table, name: str) -> Float[np.ndarray, " rows"]:
    """Return a column as float64, with NaN for missing values.

    Raises:
        TableError: the column is not numeric.
    """
    kind = table.schema.field(name).type
    if not (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_null(kind)
    ):
        values = table[name].to_pylist()
        row = _first_non_number(values)
        problem = f"holds {kind}, not numbers"
        if values and isinstance(values[row], str):
            problem = f"row {row + 1} has the text '{values[row]:.{_MAX_SHOWN_CHARACTERS}}'"
        raise TableError(f"{name}: {problem}; choose another column or write plain numbers")
    return np.asarray(table[name].cast(pa.float64(), safe=False).to_numpy())


def check_range(name: str, values: Float[np.ndarray, " rows"]) -> None:
    """Check that no number is too large or too small to compute with; zeros and infinities are checked
    elsewhere.

    Raises:
        TableError: a number is out of range; the message names the first one.
    """
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    outside = sizes[(sizes < _SMALLEST) | (sizes > _LARGEST)]
    if outside.size:
        raise TableError(f"{name}: holds {outside[0]:g}; write it in a unit in which numbers are closer to 1")


def text_column(table: pa.Table, name: str) -> list[str]:
    """Return a column as text, with ``none`` for missing values."""
    return ["none" if value is None else str(value) for value in table[name].to_pylist()]


def group_rows(table: pa.Table, by: Sequence[str]) -> dict[tuple[str, ...], NDArray[np.intp]]:
    """Return the rows of each group, in the order of the groups' first rows.

    Args:
        table: one row a run.
        by: columns whose values, together, name a group; without columns, all rows are one group.
    """
    keys: list[tuple[str, ...]] = [()] * len(table)
    if by:
        keys = list(zip(*(text_column(table, name) for name in by), strict=True))
    rows: dict[tuple[str, ...], list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return {key: np.array(members) for key, members in rows.items()}


def _first_non_number(values: Sequence[Any]) -> int:
    """Return the row of the first value that is not a number, such as ``n/a``; 0 if all could be numbers."""
    for row, value in enumerate(values):
        try:
            float(0 if value is None else value)
        except (TypeError, ValueError):
            return row
    return 0
