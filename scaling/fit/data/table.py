"""Tables of runs, from this package or elsewhere: checks, and division into groups of points."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scaling.architectures import has_seeds, has_widths
from scaling.errors import TableError
from scaling.fit.data.best_epoch import BEST_EPOCH_COLUMN
from scaling.fit.data.column_types import is_text
from scaling.fit.data.columns import (
    check_column,
    check_range,
    check_unique_columns,
    first_duplicate,
    group_rows,
    numeric_column,
)
from scaling.fit.data.costs import COST_COLUMNS
from scaling.fit.data.hidden_columns import find_hidden_columns
from scaling.fit.data.points import Points
from scaling.fit.data.pooling import MAX_SIZES, pool_sizes
from scaling.fit.data.replicates import caution_reason, find_non_replicates
from scaling.fit.data.roles import is_accuracy
from scaling.fit.data.states import count_states, unfinished_states
from scaling.notes import Hint, Note

_TYPE = "architecture"
"""Column with the type of the architecture."""
_ORDERS = ("order", "data_order")
"""Names of the column with the order of minibatches: in a store, and in a tidy table."""
_REPLICATE_SETTINGS = (
    "dataset",
    "train_images",
    "epochs",
    "batch_size",
    "optimizer",
    "learning_rate",
    "weight_decay",
    "precision",
)
"""Columns of the store's runs in which replicates, which are averaged, should be equal."""


@dataclass(frozen=True, kw_only=True)
class PointsGroup:
    """Points of one group of a table."""

    values: dict[str, str]
    """Values that the runs have in common, by column."""
    points: Points
    lacks_width: bool
    """True for a single size of an architecture that has no further sizes."""
    notes: tuple[str, ...]
    """Sentences about what was left out or is unusual."""
    caution: str = ""
    """Reason why no law of these points is usable without caution; empty if there is none."""


def required_columns(x: str, y: str, by: Sequence[str]) -> list[str]:
    """Return the columns that ``fit_table`` reads, if a table has them."""
    optional = [*_REPLICATE_SETTINGS, _TYPE, "diverged", "test_images", "seed", *_ORDERS, "val_error"]
    optional += COST_COLUMNS
    return list(dict.fromkeys([x, y, *by, *optional]))


def group_points(
    table: pa.Table,
    *,
    x: str = "filters",
    y: str = "test_error",
    by: Sequence[str] = ("architecture",),
    misclassified: NDArray[np.bool_] | None = None,
    std: str | None = None,
    ignored: Sequence[str] = (),
    sizes: Sequence[str] = (),
) -> list[PointsGroup]:
    """Divide a table into groups of points.

    Runs that diverged, by a column ``diverged``, runs that have not finished, by a column such as ``State``,
    and runs without a y are left out and counted in a note. If rows of one x are no replicates
    (``scaling.fit.data.replicates``), or if a column changes y between rows of different x
    (``scaling.fit.data.hidden_columns``), a note says so, and no law of the group is usable without caution.

    If y is ``test_error`` and ``test_images`` is one number for the group, the points are fractions of that
    many images; otherwise they are bare values. A column ``order`` or ``data_order`` holds the order of
    minibatches of each run.

    Args:
        table: one row a run.
        x: column of sizes.
        y: column of errors.
        by: columns whose values, together, name a group.
        misclassified: [rows, images], which images each row's run misclassifies.
        std: column of the standard deviations of y, if they are known.
        ignored: further columns in which replicates may differ.
        sizes: columns of the sizes of a joint law, if x numbers their cells; by default x.

    Returns:
        The groups, in the order of their first rows.

    Raises:
        TableError: a column is missing or not numeric, or holds a value that cannot be fitted.
    """
    _check_columns(table, x=x, y=y, by=by, std=std)
    rows_by_group = group_rows(table, by)
    columns = _read_columns(table, x=x, y=y, misclassified=misclassified, std=std)
    if by and len(rows_by_group) == len(table) > 1 and any(map(has_widths, _types(table))):
        raise TableError(
            f"{', '.join(by)}: differs in every row, so no curve has two points; group by another column"
        )
    known = (*by, *ignored, *([std] if std else []))
    return [
        _build_group(
            table,
            columns,
            rows,
            values=dict(zip(by, values, strict=True)),
            ignored=known,
            sizes=sizes or (x,),
        )
        for values, rows in rows_by_group.items()
    ]


def _build_group(
    table: pa.Table,
    columns: _RunColumns,
    rows: NDArray[np.intp],
    *,
    values: dict[str, str],
    ignored: Sequence[str],
    sizes: Sequence[str],
) -> PointsGroup:
    """Return one group of points, with notes on its rows.

    Args:
        table: all rows.
        columns: the columns of the table.
        rows: rows of the group.
        values: values that they have in common.
        ignored: columns in which replicates may differ.
        sizes: columns of the sizes of the law.
    """
    used = columns.usable_rows(rows)
    runs = table.take(used)
    points = columns.points(runs, used)
    x, y = columns.x_name, columns.y_name
    dependent = find_non_replicates(runs, x=x, y=y, ignored=ignored)
    hidden = find_hidden_columns(runs, sizes=sizes, y=y, ignored=(x, *ignored))
    return PointsGroup(
        values=values,
        points=points,
        lacks_width=len(points.widths) == 1 and not any(map(has_widths, _types(runs))),
        notes=(
            *columns.notes_on_left_out(rows),
            *_warnings(runs, points),
            *columns.notes_on_pooling(points, used),
            *(rows_of_one_x.note for rows_of_one_x in dependent),
            *([hidden.note] if hidden else []),
        ),
        caution="; ".join(filter(None, (caution_reason(dependent), hidden.caution if hidden else ""))),
    )


@dataclass(frozen=True, kw_only=True)
class _RunColumns:
    """Columns of a table as arrays, one number a row."""

    x_name: str
    y_name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    diverged: NDArray[np.bool_]
    states: dict[str, NDArray[np.object_]]
    """States of runs that have not finished, empty for the others, by column."""
    optional: dict[str, NDArray[Any]]
    """Optional fields of ``Points``, by name."""

    @property
    def has_no_y(self) -> NDArray[np.bool_]:
        return np.isnan(self.y)

    @property
    def is_finished(self) -> NDArray[np.bool_]:
        finished: NDArray[np.bool_] = np.ones(len(self.y), bool)
        for states in self.states.values():
            finished &= states == ""
        return finished

    def usable_rows(self, rows: NDArray[np.intp]) -> NDArray[np.intp]:
        used = rows[~self.diverged[rows] & ~self.has_no_y[rows] & self.is_finished[rows]]
        seeds = self.optional.get("seed")
        if seeds is not None:
            # The bootstrap draws runs by position; sorting makes it independent of the order of the rows.
            used = used[np.lexsort((seeds[used], self.x[used]))]
        return used

    def points(self, runs: pa.Table, used: NDArray[np.intp]) -> Points:
        check_range(self.x_name, self.x[used])
        check_range(self.y_name, self.y[used])
        return Points(
            x_name=self.x_name,
            y_name=self.y_name,
            x=pool_sizes(self.x[used]),
            y=self.y[used],
            test_images=_test_images(runs) if self.y_name == "test_error" else None,
            has_seeds=any(map(has_seeds, _types(runs))),
            **self._optional_of(used),
        )

    def _optional_of(self, used: NDArray[np.intp]) -> dict[str, NDArray[Any]]:
        """Return the optional fields of some rows; errors at another epoch only if all rows have them."""
        values = {name: column[used] for name, column in self.optional.items()}
        if not np.isfinite(values.get("y_at_best_epoch", 0)).all():
            del values["y_at_best_epoch"]
        return values

    def notes_on_left_out(self, rows: NDArray[np.intp]) -> list[str]:
        missing = self.has_no_y & ~self.diverged & self.is_finished
        left_out = {"diverged": self.diverged[rows].sum(), f"no {self.y_name}": missing[rows].sum()}
        for name, states in self.states.items():
            unfinished = np.where(self.diverged, "", states)[rows]
            left_out[f"{name}: {count_states(unfinished)}"] = (unfinished != "").sum()
        return [f"Left out: {n} of {len(rows)} runs ({reason})." for reason, n in left_out.items() if n]

    def notes_on_pooling(self, points: Points, used: NDArray[np.intp]) -> list[str]:
        n_sizes = len(np.unique(self.x[used]))
        if n_sizes <= MAX_SIZES:
            return []
        return [
            f"{n_sizes:,} values of {self.x_name} are pooled into {len(points.widths):,} groups of"
            f" neighbours, each a {MAX_SIZES:,}th of their range in logarithms."
        ]


def _read_columns(
    table: pa.Table, *, x: str, y: str, misclassified: NDArray[np.bool_] | None, std: str | None
) -> _RunColumns:
    sizes, errors, diverged = numeric_column(table, x), numeric_column(table, y), diverged_rows(table)
    if np.isnan(errors).all() and len(table):
        raise TableError(f"{y}: no row has a value; name another column, or fill it in")
    optional = {
        "misclassified": misclassified,
        "order": _integer_column(table, *_ORDERS),
        "seed": _integer_column(table, "seed"),
        "y_at_best_epoch": _best_epoch_column(table, y),
        "known_std": _std_column(table, std, ignored=np.isnan(errors) | diverged) if std else None,
    }
    return _RunColumns(
        x_name=x,
        y_name=y,
        x=sizes,
        y=errors,
        diverged=diverged,
        states=unfinished_states(table),
        optional={name: column for name, column in optional.items() if column is not None},
    )


def diverged_rows(table: pa.Table) -> NDArray[np.bool_]:
    """Return which rows' runs diverged, by a column ``diverged``."""
    if "diverged" not in table.column_names:
        return np.zeros(len(table), bool)
    try:
        flags: NDArray[np.bool_] = pc.fill_null(table["diverged"].cast(pa.bool_()), False).to_numpy()
    except pa.ArrowException as error:
        raise TableError(f"diverged: expected true or false ({error})") from None
    return flags


def _check_columns(table: pa.Table, *, x: str, y: str, by: Sequence[str], std: str | None) -> None:
    check_unique_columns(table.column_names)
    if duplicate := first_duplicate([x, y, *by]):
        raise TableError(
            f"{duplicate}: is requested twice; the size, the error and the groups need different columns"
        )
    requests = {"x": [x], "y": [y], "by": by, "std": [std] if std else []}
    for argument, names in requests.items():
        for name in names:
            check_column(table.column_names, name, argument=argument)


def _integer_column(table: pa.Table, *names: str) -> NDArray[np.int64] | None:
    """Return the first of some columns that holds integers without gaps; None if no column does."""
    for name in names:
        if name in table.column_names and pa.types.is_integer(table.schema.field(name).type):
            column = table[name]
            if not column.null_count:
                return np.asarray(column.cast(pa.int64(), safe=False).to_numpy())
    return None


def _best_epoch_column(table: pa.Table, y: str) -> NDArray[np.float64] | None:
    """Return the test errors at the epochs that validation would choose, if test errors are fitted."""
    if y != "test_error" or BEST_EPOCH_COLUMN not in table.column_names:
        return None
    return np.asarray(numeric_column(table, BEST_EPOCH_COLUMN))


def _std_column(table: pa.Table, name: str, *, ignored: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return standard deviations, above 0 in each row that is not ignored."""
    std = np.asarray(numeric_column(table, name))
    unusable = ~ignored & ~((std > 0) & np.isfinite(std))
    if unusable.any():
        row = int(unusable.argmax())
        raise TableError(
            f"{name}: row {row + 1} has {std[row]:g}, but a standard deviation is a number above 0; "
            "correct or remove such rows"
        )
    return std


def _test_images(runs: pa.Table) -> int | None:
    """Return the number of test images, if it is one number for all runs."""
    if "test_images" not in runs.column_names:
        return None
    images = set(numeric_column(runs, "test_images").tolist())
    if len(images) != 1 or not all(1 <= number < inf and number.is_integer() for number in images):
        return None
    return int(images.pop())


def _types(runs: pa.Table) -> list[str]:
    """Return the types of the architectures; an unknown one as an empty string."""
    if _TYPE not in runs.column_names or not is_text(runs.schema.field(_TYPE).type):
        return [""]
    return [name or "" for name in pc.unique(runs[_TYPE]).to_pylist()] or [""]


def _warnings(runs: pa.Table, points: Points) -> list[str]:
    """Return sentences about what is unusual."""
    warnings = []
    if points.y_name == "test_error" and points.test_images is None and "test_images" in runs.column_names:
        images = ", ".join(map(str, pc.unique(runs["test_images"]).to_pylist()[:3]))
        warnings.append(
            f"test_images is not one number (its first values: {images}), so errors are bare values and not "
            "counts of images."
        )
    if re.search("err|pct|percent|%", points.y_name.lower()) and (points.y > 1).any():
        warnings.append(
            f"{points.y_name} holds values above 1 (the largest: {points.y.max():g}): "
            "if they are percentages, so are amplitude and floor."
        )
    if is_accuracy(points.y_name) and (points.y <= 100).all():
        in_percent = (points.y > 1).any()
        unit, division = (" in percent", "divide it by 100, and ") if in_percent else ("", "")
        warnings.append(
            Note(
                f"{points.y_name} looks like an accuracy{unit}, which rises, and a scaling law describes "
                "what falls.",
                [Hint(f"{division}fit 1 - {points.y_name}, with `accuracy` {points.y_name}")],
            )
        )
    elif _rises_towards_one(points):
        warnings.append(
            Note(
                f"{points.y_name} rises with {points.x_name} and stays below 1, as an accuracy does.",
                [Hint(f"if it is one, fit 1 - {points.y_name}, with `accuracy` {points.y_name}")],
            )
        )
    return warnings


def _rises_towards_one(points: Points) -> bool:
    """Return True if the means rise between 0 and 1 from the narrowest to the widest size."""
    return bool(len(points.widths) > 2 and (np.diff(points.means) > 0).all() and (points.y <= 1).all())
