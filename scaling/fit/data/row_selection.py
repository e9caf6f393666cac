"""Choice of rows before a fit: rows with given values, and the last row of each run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scaling.errors import TableError
from scaling.fit.data.columns import check_column, numeric_column, text_column
from scaling.fit.data.replicates import RowsOfOneX, columns_of_a_run
from scaling.fit.data.row_codes import encode_rows

_MAX_LISTED = 5
"""Largest number of values that a message lists."""


@dataclass(frozen=True)
class Selection:
    """Rows of a table that a selection keeps."""

    table: pa.Table
    notes: list[str]
    """Sentences about what was selected and what was left out."""


def select_where(table: pa.Table, values: Mapping[str, Sequence[str]]) -> Selection:
    """Keep the rows that have one of the given values in each of some columns.

    Args:
        table: one row a run.
        values: permitted values, as text, of each column. A number is equal to every way of writing it.

    Raises:
        TableError: a column is missing, or no row has the values.
    """
    keep = np.ones(len(table), bool)
    for name, permitted in values.items():
        check_column(table.column_names, name)
        has_value = np.array([_equals(table, name, value) for value in permitted]).any(axis=0)
        if not has_value.any():
            existing = list(dict.fromkeys(text_column(table, name)))
            more = ", ..." if len(existing) > _MAX_LISTED else ""
            raise TableError(
                f"{name}: no row has {' or '.join(permitted)}; "
                f"it has {', '.join(existing[:_MAX_LISTED])}{more}",
                option="where",
            )
        keep &= has_value
    conditions = ", ".join(f"{name} = {' or '.join(permitted)}" for name, permitted in values.items())
    if not keep.any():
        raise TableError(f"{conditions}: no row has these values together; leave out one", option="where")
    notes = [f"Kept {keep.sum()} of {len(table)} rows ({conditions})."] if not keep.all() else []
    return Selection(table.filter(pa.array(keep)), notes)


def select_last(
    table: pa.Table,
    step: str,
    *,
    y: str,
    x: str | None = None,
    by: Sequence[str] = (),
    run: Sequence[str] = (),
) -> Selection:
    """Keep the row with the largest step of each run, of the rows whose y is not empty.

    A log can have rows of steps and rows of epochs, with empty cells. NaN is a value: the run diverged. A run
    without any y keeps its last row.

    Args:
        table: one row a step of a run.
        step: column that grows while a run trains, such as ``epoch``.
        y: column of errors.
        x: column of sizes; None if ``run`` alone tells runs apart.
        by: columns whose values, together, name a group.
        run: columns that, with x and by, tell runs apart. Without any, ids such as ``trial_id`` do, or else
            seeds, settings, and other columns whose values were chosen.

    Raises:
        TableError: a column is missing or not numeric, or a row has no step.
    """
    sizes = [] if x is None else [x]
    for name in (step, *sizes, y, *by, *run):
        check_column(table.column_names, name)
    if step in (*sizes, y, *by, *run):
        raise TableError(f"{step}: counts the steps of a run, and cannot also be x, y, or a column of groups")
    others = list(run)
    if x is not None and not others:
        others = columns_of_a_run(RowsOfOneX(table, x=x, y=y, ignored=by), step)
    keys = list(dict.fromkeys([*by, *sizes, *others]))
    codes = encode_rows(table, keys)
    is_candidate = _has_value(table, y, codes)
    steps = numeric_column(table, step)
    if (is_empty := np.isnan(steps) & is_candidate).any():
        row = int(is_empty.argmax())
        raise TableError(f"{step}: row {row + 1} is empty; fill it in or remove such rows")
    largest = np.full(int(codes.max()) + 1, -np.inf)
    np.maximum.at(largest, codes[is_candidate], steps[is_candidate])
    keep = is_candidate & (steps == largest[codes])
    note = (
        f"Kept the row with the largest {step} of each of {len(largest)} runs "
        f"(told apart by {', '.join(keys)}); "
        f"left out: {len(table) - keep.sum()} of {len(table)} rows."
    )
    return Selection(table.filter(pa.array(keep)), [note])


def _has_value(table: pa.Table, y: str, codes: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Return which rows have a y; for a run without any, all of its rows."""
    has_y = np.asarray(table[y].is_valid().to_numpy())
    run_has_y = np.zeros(int(codes.max()) + 1, bool)
    np.logical_or.at(run_has_y, codes, has_y)
    return np.asarray(has_y | ~run_has_y[codes])


def _equals(table: pa.Table, name: str, value: str) -> NDArray[np.bool_]:
    """Return which rows have a value, as a number where the column has numbers."""
    kind = table.schema.field(name).type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        try:
            return np.asarray(numeric_column(table, name) == float(value))
        except ValueError:
            return np.zeros(len(table), bool)
    texts = np.array(text_column(table, name), dtype=np.str_)
    if pa.types.is_boolean(kind):
        value = value.capitalize()
    return np.asarray(texts == value)
