"""Points of two sizes: runs of one cell, which is a pair of sizes such as parameters and training images.

A cell takes the place of a width: its number is the x of ``Points``, so that replicates, dispersion and
resampling are those of a curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scaling.errors import FitError, TableError
from scaling.fit.data.columns import check_column, check_range, check_unique_columns, numeric_column
from scaling.fit.data.points import Points
from scaling.fit.data.pooling import MAX_SIZES
from scaling.fit.data.replicates import JOINT_ARGUMENTS
from scaling.fit.data.table import PointsGroup, group_points
from scaling.notes import Note

MIN_VALUES = 3
"""Number of distinct values of each size below which a joint law is not determined."""
MAX_COLLINEARITY = 0.98
"""Squared correlation of the logarithms of both sizes above which a joint law is refused."""
_POOLS = int(np.sqrt(MAX_SIZES))
"""Number of groups of neighbours in each size, if there are too many cells."""


@dataclass(frozen=True, kw_only=True, eq=False)
class JointPoints(Points):
    """Runs of one group, with two sizes each; x is the number of the cell, from 1."""

    names: tuple[str, str]
    """Names of the columns with the sizes N and D."""
    cell_sizes: NDArray[np.float64]
    """Sizes of each cell that has runs: [widths, 2], above 0."""

    @property
    def sizes(self) -> NDArray[np.float64]:
        """Sizes at which a form is evaluated: [widths, 2]."""
        return self.cell_sizes

    @property
    def size_labels(self) -> list[str]:
        """Pairs of sizes as text, for messages: [widths]."""
        return [f"({n:g}, {d:g})" for n, d in self.cell_sizes]

    @property
    def collinearity(self) -> float:
        """Squared correlation of log N and log D over the cells; 1 if one of them has a single value."""
        centred = self.log_sizes - self.log_sizes.mean(axis=0)
        variances = (centred**2).sum(axis=0)
        if not variances.all():
            return 1.0
        return float((centred[:, 0] @ centred[:, 1]) ** 2 / variances.prod())


@dataclass(frozen=True, kw_only=True)
class CellTable:
    """A table of runs with a column for the cell of each run."""

    table: pa.Table
    column: str
    """Column with the number of the cell, such as ``filters and train_images``."""
    sizes: NDArray[np.float64]
    """Sizes of each cell: [cells, 2]."""
    notes: tuple[str, ...]


def add_cells(table: pa.Table, names: tuple[str, str]) -> CellTable:
    """Add a column with the number of the cell of each run.

    With more than a thousand cells, sizes are pooled into groups of neighbours, and a note says so.

    Args:
        table: one row a run.
        names: columns of the two sizes.

    Raises:
        TableError: a column is missing, not numeric, or holds a value that is no size.
    """
    check_unique_columns(table.column_names)
    if names[0] == names[1]:
        raise TableError(f"{names[0]}: is named twice; a joint law needs two columns of sizes", option="x")
    for name in names:
        check_column(table.column_names, name)
    columns = np.column_stack([_size_column(table, name) for name in names])
    sizes, cell = np.unique(columns, axis=0, return_inverse=True)
    notes: tuple[str, ...] = ()
    if len(sizes) > MAX_SIZES:
        n_cells = len(sizes)
        sizes, cell = _pool(columns)
        notes = (
            f"{n_cells:,} pairs of {names[0]} and {names[1]} are pooled into {len(sizes):,} cells of"
            f" neighbours; {_POOLS} groups divide the range of each in logarithms.",
        )
    column = " and ".join(names)
    numbers = pa.array(cell.reshape(-1) + 1)
    return CellTable(table=table.append_column(column, numbers), column=column, sizes=sizes, notes=notes)


def group_joint_points(
    cells: CellTable,
    names: tuple[str, str],
    *,
    y: str,
    by: Sequence[str],
    misclassified: NDArray[np.bool_] | None = None,
    std: str | None = None,
    ignored: Sequence[str] = (),
) -> list[tuple[PointsGroup, JointPoints]]:
    """Divide a table into groups, each with its points of two sizes.

    Args:
        cells: the runs, as ``add_cells`` returns them, or some of these rows.
        names: columns of the two sizes.
        y: column of errors.
        by: columns whose values, together, name a group.
        misclassified: [rows, images], which images each row's run misclassifies.
        std: column of the standard deviations of y, if they are known.
        ignored: further columns in which replicates may differ.

    Raises:
        TableError: columns or values that cannot be fitted as requested.
    """
    groups = group_points(
        cells.table,
        x=cells.column,
        y=y,
        by=by,
        misclassified=misclassified,
        std=std,
        ignored=(*names, *ignored),  # sizes differ within a cell of pooled neighbours
        sizes=names,
    )
    return [
        (
            replace(group, notes=_without_joint_hints(group.notes)),
            _joint_points(group.points, names, cells.sizes),
        )
        for group in groups
    ]


def _without_joint_hints(notes: Sequence[str]) -> tuple[str, ...]:
    """Return notes without the hint to fit a joint law, which has two sizes and no third one."""
    return tuple(
        note.for_arguments(lambda name: name not in JOINT_ARGUMENTS) if isinstance(note, Note) else note
        for note in notes
    )


def check_design(points: JointPoints) -> None:
    """Check that the cells can tell the effect of one size from that of the other.

    Raises:
        FitError: too few values of a size, or sizes that change together.
    """
    for name, values in zip(points.names, points.cell_sizes.T, strict=True):
        n_values = len(np.unique(values))
        if n_values < MIN_VALUES:
            raise FitError(
                f"{name} has {n_values} distinct value{'s' if n_values > 1 else ''}, and a joint law needs at"
                f" least {MIN_VALUES} of each size; add values of {name}"
            )
    if points.collinearity > MAX_COLLINEARITY:
        first, second = points.names
        raise FitError(
            f"{first} and {second} are collinear: {second} follows from {first} by a power law with R^2 ="
            f" {points.collinearity:.4f}, so the data cannot tell their effects apart; add runs with another"
            f" {second} at some {first}"
        )


def _size_column(table: pa.Table, name: str) -> NDArray[np.float64]:
    values = numeric_column(table, name)
    unusable = ~((values > 0) & np.isfinite(values))
    if unusable.any():
        row = int(unusable.argmax())
        raise TableError(
            f"{name}: row {row + 1} has {values[row]:g}, but a size is a number above 0; correct or remove"
            " such rows"
        )
    check_range(name, values)
    return values


def _pool(columns: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the geometric mean of the sizes of each pool, and the pool of each row."""
    logs = np.log(columns)
    low, span = logs.min(axis=0), np.maximum(np.ptp(logs, axis=0), np.finfo(float).tiny)
    interval = np.minimum((logs - low) / span * _POOLS, _POOLS - 1).astype(np.intp)
    _, pool = np.unique(interval, axis=0, return_inverse=True)
    pool = pool.reshape(-1)
    counts = np.bincount(pool)
    means = [np.exp(np.bincount(pool, log) / counts) for log in logs.T]
    return np.column_stack(means), pool


def _joint_points(points: Points, names: tuple[str, str], sizes: NDArray[np.float64]) -> JointPoints:
    values = {field.name: getattr(points, field.name) for field in fields(points)}
    return JointPoints(**values, names=names, cell_sizes=sizes[points.widths.astype(np.intp) - 1])
