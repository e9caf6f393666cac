"""Preparation of a table before it is grouped: an error from counts or from an accuracy, and the best values
of tuned settings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scaling.errors import TableError
from scaling.fit.data.columns import check_column, first_duplicate, numeric_column
from scaling.fit.data.row_selection import Selection
from scaling.fit.data.states import unfinished_states
from scaling.fit.data.table import diverged_rows

_ERROR, _IMAGES = "test_error", "test_images"
"""Columns that counts are converted into; together they make the error a known fraction of the images."""
_MISSING, _VALUE = " missing", " value"
"""Temporary columns, whose leading space keeps them apart from those of a table."""


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


def add_error_from_accuracy(table: pa.Table, accuracy: str) -> tuple[pa.Table, str]:
    """Add the column ``1 - ACCURACY``, and return its name.

    Args:
        table: one row a run.
        accuracy: column of the share of right predictions, between 0 and 1.

    Raises:
        TableError: the column is missing or not numeric, or a value is no share.
    """
    check_column(table.column_names, accuracy)
    shares = numeric_column(table, accuracy)
    invalid = ~np.isnan(shares) & ~((shares >= 0) & (shares <= 1))
    if invalid.any():
        row = int(invalid.argmax())
        raise TableError(
            f"{accuracy}: row {row + 1} has {shares[row]:g}, but an accuracy is a share between 0 and 1; "
            "divide percentages by 100"
        )
    name = f"1 - {accuracy}"
    others = table.select([other for other in table.column_names if other != name])
    # Rounding keeps 1 - 0.9 from becoming 0.09999999999999998.
    return others.append_column(name, pa.array(np.round(1 - shares, 12), from_pandas=True)), name


def select_best(
    table: pa.Table, over: Sequence[str], *, x: str, by: Sequence[str], validation: str
) -> Selection:
    """Keep the rows of one value of a column, or of one combination of several columns, for each group and
    size: that of the lowest mean validation error.

    Args:
        table: one row a run.
        over: columns of the settings to select together, such as ``learning_rate``.
        x: column of sizes.
        by: columns whose values, together, name a group.
        validation: column to select by. It must not be the fitted column, or the best value would be best by
            chance.

    Raises:
        TableError: a column is missing, or no row has a value to select by.
    """
    over = list(over)
    _check_selection(table, over, x=x, by=by, validation=validation)
    values, names = numeric_column(table, validation), " and ".join(over)
    is_finished = np.ones(len(table), bool)
    for states in unfinished_states(table).values():
        is_finished &= states == ""
    has_value = np.isfinite(values) & ~diverged_rows(table) & is_finished
    if not has_value.any():
        raise TableError(
            f"{validation}: has no numbers, so no {names} can be selected by it; "
            "runs have one if dataset.validation is above 0"
        )
    if np.isnan(numeric_column(table, x)).any():
        raise TableError(f"{x}: is empty in some rows; fill it in or remove them")
    keys = [*by, x]
    selected = _lowest_means(table, over, keys, np.where(has_value, values, np.nan))
    rows = table.select(list(dict.fromkeys([*keys, *over]))).to_pylist()
    row_keys = [tuple(row[key] for key in keys) for row in rows]
    is_selected = [
        selected.get(key) == tuple(row[name] for name in over)
        for key, row in zip(row_keys, rows, strict=True)
    ]
    ordered = sorted(selected.items(), key=lambda item: (*map(str, item[0][:-1]), item[0][-1]))
    choices = ", ".join(
        f"{' and '.join(map(str, best))} at {', '.join(map(str, key))}" for key, best in ordered
    )
    notes = [
        f"Selected {names} by the mean {validation}: {choices}. Intervals do not include this selection."
    ]
    if n_left_out := sum(key not in selected for key in row_keys):
        notes.append(f"Left out: {n_left_out} of {len(rows)} runs (no {validation} at their {x}).")
    return Selection(table.filter(pa.array(is_selected, pa.bool_())), notes)


def _check_selection(
    table: pa.Table, over: Sequence[str], *, x: str, by: Sequence[str], validation: str
) -> None:
    if duplicate := first_duplicate(over):
        raise TableError(f"{duplicate}: is named twice; name each setting once", option="best_over")
    for name in over:
        if name in (x, *by):
            raise TableError(
                f"{name}: is already the column of the size or of the groups; "
                "select the best of another column"
            )
    for name in (*over, validation, x, *by):
        check_column(table.column_names, name)
    if "acc" in validation:
        raise TableError(
            f"{validation}: looks like an accuracy; runs are selected by the lowest value, so name an error "
            "or a loss"
        )


def _lowest_means(
    table: pa.Table, over: Sequence[str], keys: Sequence[str], values: np.ndarray
) -> dict[tuple[object, ...], tuple[object, ...]]:
    """Return the values of ``over`` with the lowest mean, for each key.

    Values with diverged or unfinished runs, or with runs that lack a number to select by, rank behind the
    values whose runs are complete: otherwise chance would select.

    Args:
        table: one row a run.
        over: columns of the settings.
        keys: columns of the group and the size.
        values: number to select by in each row, NaN if it is missing.
    """
    ranked = table.select(list(dict.fromkeys([*keys, *over])))
    ranked = ranked.append_column(_MISSING, pa.array(np.isnan(values), pa.int8()))
    ranked = ranked.append_column(_VALUE, pa.array(values, from_pandas=True))
    means = ranked.group_by([*keys, *over], use_threads=False).aggregate(
        [(_MISSING, "mean"), (_VALUE, "mean")]
    )
    means = means.sort_by(
        [
            (f"{_MISSING}_mean", "ascending"),
            (f"{_VALUE}_mean", "ascending"),
            *((name, "ascending") for name in over),
        ]
    )
    selected: dict[tuple[object, ...], tuple[object, ...]] = {}
    for row in means.filter(pc.less(means[f"{_MISSING}_mean"], 1)).to_pylist():
        selected.setdefault(tuple(row[key] for key in keys), tuple(row[name] for name in over))
    return selected
