"""Preparation of a table before it is grouped: an error from counts, and the best value of a tuned
setting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scaling.errors import TableError
from scaling.fit.data.columns import check_column, numeric_column
from scaling.fit.data.table import diverged_rows

_ERROR, _IMAGES = "test_error", "test_images"
"""Columns that counts are converted into; together they make the error a known fraction of the images."""
_MISSING, _VALUE = " missing", " value"
"""Temporary columns, whose leading space keeps them apart from those of a table."""


@dataclass(frozen=True)
class Selection:
    """Rows of a table that a selection keeps."""

    table: pa.Table
    notes: list[str]
    """Sentences about what was selected and what was left out."""


def add_error_from_counts(table: pa.Table, errors: str, *, of: str) -> pa.Table:
    """Add ``test_error`` and ``test_images`` from the columns of two counts.

    Args:
        table: one row a run.
        errors: column of the number of wrong predictions.
        of: column of the number of predictions.

    Raises:
        TableError: a column is missing or not numeric, or a count is impossible.
    """
    if errors == of:
        raise TableError(
            f"{errors}: is named as the number of wrong predictions and as the number of all predictions; "
            "name two columns"
        )
    for name in (errors, of):
        check_column(table.column_names, name)
    wrong, images = numeric_column(table, errors), numeric_column(table, of)
    are_integers = (wrong == np.floor(wrong)) & (images == np.floor(images))
    invalid = ~np.isnan(wrong) & ~((wrong >= 0) & (images >= 1) & (wrong <= images) & are_integers)
    if invalid.any():
        row = int(invalid.argmax())
        raise TableError(
            f"{errors}: row {row + 1} has {wrong[row]:g} of {images[row]:g}; "
            f"counts are whole numbers between 0 and {of}"
        )
    others = [name for name in table.column_names if name not in (_ERROR, _IMAGES)]
    table = table.select(others).append_column(_ERROR, pa.array(wrong / images, from_pandas=True))
    return table.append_column(_IMAGES, pa.array(images, from_pandas=True))


def select_best(table: pa.Table, over: str, *, x: str, by: Sequence[str], validation: str) -> Selection:
    """Keep the rows of one value of a column, for each group and size: that of the lowest mean validation
    error.

    Args:
        table: one row a run.
        over: column of the setting to select, such as ``learning_rate``.
        x: column of sizes.
        by: columns whose values, together, name a group.
        validation: column to select by. It must not be the fitted column, or the best value would be best by
            chance.

    Raises:
        TableError: a column is missing, or no row has a value to select by.
    """
    _check_selection(table, over, x=x, by=by, validation=validation)
    values = numeric_column(table, validation)
    has_value = np.isfinite(values) & ~diverged_rows(table)
    if not has_value.any():
        raise TableError(
            f"{validation}: has no numbers, so no {over} can be selected by it; "
            "runs have one if dataset.validation is above 0"
        )
    if np.isnan(numeric_column(table, x)).any():
        raise TableError(f"{x}: is empty in some rows; fill it in or remove them")
    keys = [*by, x]
    selected = _lowest_means(table, over, keys, np.where(has_value, values, np.nan))
    rows = table.select(list(dict.fromkeys([*keys, over]))).to_pylist()
    row_keys = [tuple(row[key] for key in keys) for row in rows]
    is_selected = [
        key in selected and selected[key] == row[over] for key, row in zip(row_keys, rows, strict=True)
    ]
    ordered = sorted(selected.items(), key=lambda item: (*map(str, item[0][:-1]), item[0][-1]))
    choices = ", ".join(f"{value} at {', '.join(map(str, key))}" for key, value in ordered)
    notes = [f"Selected {over} by the mean {validation}: {choices}. Intervals do not include this selection."]
    if n_left_out := sum(key not in selected for key in row_keys):
        notes.append(f"Left out: {n_left_out} of {len(rows)} runs (no {validation} at their {x}).")
    return Selection(table.filter(pa.array(is_selected, pa.bool_())), notes)


def _check_selection(table: pa.Table, over: str, *, x: str, by: Sequence[str], validation: str) -> None:
    if over in (x, *by):
        raise TableError(
            f"{over}: is already the column of the size or of the groups; select the best of another column"
        )
    for name in (over, validation, x, *by):
        check_column(table.column_names, name)
    if "acc" in validation:
        raise TableError(
            f"{validation}: looks like an accuracy; runs are selected by the lowest value, so name an error "
            "or a loss"
        )


def _lowest_means(
    table: pa.Table, over: str, keys: Sequence[str], values: np.ndarray
) -> dict[tuple[object, ...], object]:
    """Return the value of ``over`` with the lowest mean, for each key.

    A value with diverged runs, or with runs that lack a number to select by, ranks behind the values whose
    runs are complete: otherwise chance would select.

    Args:
        table: one row a run.
        over: column of the setting.
        keys: columns of the group and the size.
        values: number to select by in each row, NaN if it is missing.
    """
    ranked = table.select(list(dict.fromkeys([*keys, over])))
    ranked = ranked.append_column(_MISSING, pa.array(np.isnan(values), pa.int8()))
    ranked = ranked.append_column(_VALUE, pa.array(values, from_pandas=True))
    means = ranked.group_by([*keys, over], use_threads=False).aggregate(
        [(_MISSING, "mean"), (_VALUE, "mean")]
    )
    means = means.sort_by(
        [(f"{_MISSING}_mean", "ascending"), (f"{_VALUE}_mean", "ascending"), (over, "ascending")]
    )
    selected: dict[tuple[object, ...], object] = {}
    for row in means.filter(pc.less(means[f"{_MISSING}_mean"], 1)).to_pylist():
        selected.setdefault(tuple(row[key] for key in keys), row[over])
    return selected
