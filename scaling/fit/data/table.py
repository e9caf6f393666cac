"""Tables of runs, this software's or anyone's: read, checked, and cut into groups of points."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from scaling.errors import TableError
from scaling.fit.data.columns import (
    check_column,
    check_range,
    first_duplicate,
    numeric_column,
    text_column,
)
from scaling.fit.data.costs import COST_COLUMNS
from scaling.fit.data.csv import read_csv
from scaling.fit.data.points import Points

SETTINGS = (
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

Group = tuple[dict[str, str], Points, tuple[str, ...]]


def required_columns(x: str, y: str, by: Sequence[str]) -> list[str]:
    """The columns that ``fit_table`` looks at, of those that a store's runs have."""
    return list(
        dict.fromkeys([x, y, *by, *SETTINGS, "diverged", "test_images", "seed", "order", *COST_COLUMNS])
    )


def read_table(source: Path) -> pa.Table:
    """Read a table of runs.

    Args:
        source: a .parquet or .csv file.

    Raises:
        TableError: no such file, of another type, unreadable, without rows, or with two columns of one name.
    """
    kind = source.suffix.lower()
    if kind not in (".parquet", ".csv"):
        raise TableError(f"{source}: must end in .parquet or .csv")
    if not source.is_file():
        raise TableError(f"{source}: no such file; give the path of a table of runs")
    try:
        # Without partitioning, a folder named a=b adds no column.
        table = pq.read_table(source, partitioning=None) if kind == ".parquet" else read_csv(source)
    except (pa.ArrowException, OSError) as error:
        raise TableError(
            f"{source}: can't be read ({str(error).splitlines()[0]}); write it again, one row a run"
        ) from error
    if not len(table):
        raise TableError(f"{source}: has no rows; give one row a run")
    if again := first_duplicate(table.column_names):
        raise TableError(f"{source}: several columns are called {again}; keep one")
    return table


def group_points(
    table: pa.Table,
    *,
    x: str = "filters",
    y: str = "test_error",
    by: Sequence[str] = ("architecture",),
    misclassified: NDArray[np.bool_] | None = None,
    std: str | None = None,
) -> list[Group]:
    """Cut a table into points.

    Runs that diverged, by a column ``diverged_rows``, and runs without a y are left out, and counted in a note. Where y is ``test_error``
    and ``test_images`` is one number for the group, the points are fractions of that many images; otherwise they are bare values.

    Args:
        table: one row a run.
        x: column of sizes.
        y: column of errors.
        by: columns whose values, together, name a group.
        wrong: [rows, images], which images each row's run errs on.
        std: column of the standard deviations of y, where these are known. A column ``order`` tells runs of one order of minibatches.

    Returns:
        For each group, in the order of its first row: what its runs have in common, their points, and notes, each a sentence.

    Raises:
        TableError: a column is missing or isn't numbers, or holds a value that can't be fitted.
    """
    if again := first_duplicate(table.column_names):
        raise TableError(f"{again}: several columns have this name; keep one")
    if again := first_duplicate((x, y, *by)):
        raise TableError(
            f"{again}: is asked for twice, but size, error and groups are columns of their own; name another one"
        )
    for name in (x, y, *by, *([std] if std else [])):
        check_column(table.column_names, name)
    sizes, values = numeric_column(table, x), numeric_column(table, y)
    gone, lacking = diverged_rows(table), np.isnan(values)
    if lacking.all() and len(table):
        raise TableError(f"{y}: no row has a value; name another column, or fill it in")
    seeds, orders, known_std = (
        _whole(table, "seed"),
        _whole(table, "order"),
        _stated(table, std, lacking | gone) if std else None,
    )
    rows: dict[tuple[str, ...], list[int]] = {}
    for row, key in enumerate(
        zip(*(text_column(table, name) for name in by), strict=True) if by else [()] * len(table)
    ):
        rows.setdefault(key, []).append(row)
    if by and len(rows) == len(table) > 1:
        raise TableError(
            f"{', '.join(by)}: tells every row from every other, so no curve has two points; group by another column"
        )
    groups = []
    for key, members in rows.items():
        mine = np.array(members)
        used = mine[~gone[mine] & ~lacking[mine]]
        if (
            seeds is not None
        ):  # resampling draws runs by their place: so it draws the same ones whatever the order of the rows
            used = used[np.lexsort((seeds[used], sizes[used]))]
        left = {"diverged": gone[mine].sum(), f"no {y}": (lacking & ~gone)[mine].sum()}
        notes = [f"Left out: {number} of {len(mine)} runs ({why})." for why, number in left.items() if number]
        check_range(x, sizes[used])
        check_range(y, values[used])
        runs = table.take(used)
        test_images = _trials(runs) if y == "test_error" else None
        mine_of = {"misclassified": misclassified, "order": orders, "known_std": known_std}
        known = {name: column[used] for name, column in mine_of.items() if column is not None}
        points = Points(x_name=x, y_name=y, x=sizes[used], y=values[used], test_images=test_images, **known)
        groups.append((dict(zip(by, key, strict=True)), points, (*notes, *_doubts(runs, points))))
    return groups


def diverged_rows(table: pa.Table) -> NDArray[np.bool_]:
    """Which rows' runs diverged, by a column of this name."""
    if "diverged" not in table.column_names:
        return np.zeros(len(table), bool)
    try:
        flags: NDArray[np.bool_] = pc.fill_null(table["diverged"].cast(pa.bool_()), False).to_numpy()
    except pa.ArrowException as error:
        raise TableError(f"diverged: must hold true or false ({error})") from None
    return flags


def _whole(table: pa.Table, name: str) -> NDArray[np.int64] | None:
    """A column of whole numbers without gaps; None where there is no such column."""
    if (
        name not in table.column_names
        or not pa.types.is_integer(table.schema.field(name).type)
        or table[name].null_count
    ):
        return None
    return np.asarray(table[name].cast(pa.int64(), safe=False).to_numpy())


def _stated(table: pa.Table, name: str, left_out: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Standard deviations, above 0 in each row that counts."""
    found = numeric_column(table, name)
    unfit = ~left_out & ~((found > 0) & np.isfinite(found))
    if unfit.any():
        row = int(unfit.argmax())
        raise TableError(
            f"{name}: row {row + 1} has {found[row]:g}; a standard deviation is a number above 0: correct or remove such rows"
        )
    return found


def _trials(runs: pa.Table) -> int | None:
    """The number of test images, where the runs agree on one."""
    if "test_images" not in runs.column_names:
        return None
    images = set(numeric_column(runs, "test_images").tolist())
    return (
        int(images.pop())
        if len(images) == 1 and all(1 <= number < inf and number.is_integer() for number in images)
        else None
    )


def _doubts(runs: pa.Table, points: Points) -> list[str]:
    """What looks odd, each a sentence."""
    doubts = []
    if points.y_name == "test_error" and points.test_images is None and "test_images" in runs.column_names:
        images = ", ".join(map(str, pc.unique(runs["test_images"]).to_pylist()[:3]))
        doubts.append(
            f"test_images is not one number (it begins {images}), so errors are taken as bare values and not as counts of images."
        )
    if re.search("err|pct|percent|%", points.y_name.lower()) and (points.y > 1).any():
        doubts.append(
            f"{points.y_name} holds values above 1 (the largest: {points.y.max():g}): if they are percentages, so are amplitude and floor."
        )
    nested = (pa.types.is_list, pa.types.is_large_list, pa.types.is_struct, pa.types.is_map)
    settings = [name for name in SETTINGS if name in runs.column_names and name != points.x_name]
    settings = [name for name in settings if not any(kind(runs.schema.field(name).type) for kind in nested)]
    counted = runs.group_by(points.x_name).aggregate([(name, "count_distinct") for name in settings])
    mixed = [name for name in settings if pc.any(pc.greater(counted[f"{name}_count_distinct"], 1)).as_py()]
    if mixed:
        doubts.append(
            f"Runs of one {points.x_name} differ in {', '.join(mixed)} and are averaged all the same: group by these columns too."
        )
    return doubts
