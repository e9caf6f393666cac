"""What is made of a table before it is cut into points: an error out of counts, and the best of a setting that is of no interest by itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scaling.errors import TableError
from scaling.fit.data.columns import check_column, numeric_column
from scaling.fit.data.table import diverged_rows

ERROR = "test_error"
"""The column that counts are made into; with the one of images it is known to be a fraction of them."""
IMAGES = "test_images"
LACKING, VALUE = " lacking", " value"
"""Columns that are made, with names that no table has."""


def add_error_from_counts(table: pa.Table, errors: str, of: str) -> pa.Table:
    """Add ``test_error`` and ``test_images`` from two columns: how many were wrong, and of how many.

    Raises:
        TableError: a column is missing or isn't numbers, or the counts can't be.
    """
    if errors == of:
        raise TableError(f"{errors}: can't be both how many were wrong and out of how many; name two columns")
    for name in (errors, of):
        check_column(table.column_names, name)
    wrong, images = numeric_column(table, errors), numeric_column(table, of)
    whole = (wrong == np.floor(wrong)) & (images == np.floor(images))
    unfit = ~np.isnan(wrong) & ~((wrong >= 0) & (images >= 1) & (wrong <= images) & whole)
    if unfit.any():
        row = int(unfit.argmax())
        raise TableError(
            f"{errors}: row {row + 1} has {wrong[row]:g} of {images[row]:g}; counts are whole numbers between 0 and {of}"
        )
    kept = [name for name in table.column_names if name not in (ERROR, IMAGES)]
    table = table.select(kept).append_column(ERROR, pa.array(wrong / images, from_pandas=True))
    return table.append_column(IMAGES, pa.array(images, from_pandas=True))


def select_best(
    table: pa.Table, over: str, *, x: str, by: Sequence[str], validation: str
) -> tuple[pa.Table, list[str]]:
    """Keep, of each group and size, the rows of one value of a column: the one with the least mean of a validation column.

    Args:
        over: the setting that is chosen, such as a learning rate.
        validation: what it is chosen by; never what is fitted, or the best would be best by chance.

    Returns:
        The rows that are left, and notes that say what was chosen and what was left out.

    Raises:
        TableError: a column is missing, or no row has a value to choose by.
    """
    if over in (x, *by):
        raise TableError(
            f"{over}: is the size or tells groups apart already; choose the best over another column"
        )
    for name in (over, validation, x, *by):
        check_column(table.column_names, name)
    if "acc" in validation:
        raise TableError(
            f"{validation}: looks like an accuracy, of which the least is the worst; choose by an error or a loss"
        )
    seen = np.isfinite(numeric_column(table, validation)) & ~diverged_rows(table)
    if not seen.any():
        raise TableError(
            f"{validation}: has no numbers, so no {over} can be chosen by it; runs have one where dataset.validation is above 0"
        )
    if np.isnan(numeric_column(table, x)).any():
        raise TableError(f"{x}: is empty in some rows; fill it in or remove them")
    keys = [*by, x]
    # A value whose runs diverged, or lack a value to choose by, comes after those whose runs are all there: else luck would choose.
    known = table.select(list(dict.fromkeys([*keys, over]))).append_column(
        LACKING, pa.array(~seen, pa.int8())
    )
    known = known.append_column(
        VALUE, pa.array(np.where(seen, numeric_column(table, validation), np.nan), from_pandas=True)
    )
    means = known.group_by([*keys, over], use_threads=False).aggregate([(LACKING, "mean"), (VALUE, "mean")])
    means = means.sort_by(
        [(f"{LACKING}_mean", "ascending"), (f"{VALUE}_mean", "ascending"), (over, "ascending")]
    )
    chosen: dict[tuple[object, ...], object] = {}
    for row in means.filter(pc.less(means[f"{LACKING}_mean"], 1)).to_pylist():
        chosen.setdefault(tuple(row[key] for key in keys), row[over])
    rows = [
        (tuple(row[key] for key in keys), row[over])
        for row in table.select(list(dict.fromkeys([*keys, over]))).to_pylist()
    ]
    mine = [key in chosen and chosen[key] == value for key, value in rows]
    ordered = sorted(chosen.items(), key=lambda item: (*map(str, item[0][:-1]), item[0][-1]))
    told = ", ".join(f"{value} at {', '.join(map(str, key))}" for key, value in ordered)
    notes = [f"Chosen by the mean {validation}, {over}: {told}. The choice is in no interval."]
    if lost := sum(key not in chosen for key, _ in rows):
        notes.append(f"Left out: {lost} of {len(rows)} runs (no {validation} at their {x}).")
    return table.filter(pa.array(mine, pa.bool_())), notes
