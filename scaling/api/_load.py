"""Load the runs that a fit needs from a study, a store, or an external table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scaling.api._derived_counts import DERIVED_COUNTS
from scaling.api._losses import fill_losses
from scaling.api._results import load_trained
from scaling.api._table import add_requested_settings, tidy_table
from scaling.api._workspace import Workspace
from scaling.config import StudySettings
from scaling.errors import FitError, StoreError, TableError, UsageError, shorten
from scaling.store import RUNS_SCHEMA

STUDY_SUFFIXES = (".yaml", ".yml")
CURVE_COLUMN = "group"
"""Column with the label of a run's curve."""
_PRUNED = "pruning_method"
"""Column that only pruned networks have."""


@dataclass(frozen=True, kw_only=True)
class LoadedRuns:
    """Runs to be fitted, and notes for the reader."""

    runs: pa.Table
    notes: tuple[str, ...] = ()
    """Sentences on runs that are missing or left out."""


@dataclass(frozen=True, kw_only=True)
class TableInMemory:
    """A table that is not read from a file."""

    table: pa.Table

    def __str__(self) -> str:
        """Name of the table in messages."""
        return "the table"


RunSource = str | StudySettings | TableInMemory
"""Origin of runs: the path of a study, a store or a table, or the URI of a store; or settings; or a table."""


def as_run_source(source: Any) -> RunSource:
    """Return the origin of runs that a caller gives.

    Args:
        source: path of a study, a store or a table; URI of a store; settings of a study; or a table: of
            pyarrow, of pandas, of another library with Arrow's stream interface, or a mapping from the names
            of columns to sequences.

    Raises:
        TableError: the source is something else, or a table whose columns differ in length or in type.
    """
    from scaling.fit.data.column_types import with_common_types

    if isinstance(source, str | StudySettings | TableInMemory):
        return source
    if isinstance(source, Path):
        return str(source)
    expected = "expected a path, a pyarrow table, a DataFrame or a dictionary of columns"
    try:
        if isinstance(source, pa.Table):
            return TableInMemory(table=with_common_types(source))
        if isinstance(source, Mapping):
            table = pa.table({str(name): _as_column(name, values) for name, values in source.items()})
            return TableInMemory(table=with_common_types(table))
        if hasattr(source, "__arrow_c_stream__"):
            return TableInMemory(table=with_common_types(pa.table(source)))
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise TableError(f"the table: {shorten(str(error))}; {expected}") from error
    raise TableError(f"{shorten(repr(source))}: {expected}")


def _as_column(name: object, values: Any) -> pa.Array:
    try:
        return pa.array(values)
    except OverflowError:
        raise ValueError(f"{name}: holds an integer beyond 64 bits; give floating-point numbers") from None


def is_study(source: RunSource) -> TypeGuard[str | StudySettings]:
    """Return True if a source is a study rather than a store or a table."""
    return isinstance(source, StudySettings) or (isinstance(source, str) and source.endswith(STUDY_SUFFIXES))


def is_external_table(source: RunSource) -> bool:
    """Return True if a source is a table rather than a study or a store."""
    from scaling.fit.data.reading import is_parquet_folder, is_table_file
    from scaling.fit.data.run_logs import is_run_folder

    if not isinstance(source, str):
        return isinstance(source, TableInMemory)
    path = Path(source)
    return is_parquet_folder(path) or is_run_folder(path) if path.is_dir() else is_table_file(source)


def resolve_store(source: RunSource, workspace: Workspace) -> Workspace:
    """Return the workspace of a source: with only this store for a store, and unchanged otherwise."""
    is_store = isinstance(source, str) and not is_study(source)
    return replace(workspace, store=str(source), also=()) if is_store else workspace


def load_runs(
    source: RunSource,
    workspace: Workspace,
    *,
    overrides: Sequence[str],
    x: str,
    columns: set[str],
    also: str | None = None,
) -> LoadedRuns:
    """Load the runs of a study (without its pilot runs) or of a store, with the requested columns.

    Args:
        source: a study's YAML file or its settings, or the folder or URI of a store.
        workspace: as ``resolve_store`` returns it.
        overrides: changed settings of a study.
        x: column that curves lie along.
        columns: requested columns: of the store, of ``tidy_table``, or ``CURVE_COLUMN``.
        also: second column that changes along a curve; None for one column.

    Raises:
        TableError: the source is neither a study nor a store.
        UsageError: there are overrides, and the source is not a study.
        StoreError: the source holds no runs.
    """
    from analysis.run_groups import GROUPING_COLUMNS, group_runs
    from scaling.fit import required_columns

    stored = dict.fromkeys([*required_columns("filters", "test_error", sorted(columns)), *GROUPING_COLUMNS])
    loaded = _load_stored(source, workspace, overrides, [name for name in stored if name != CURVE_COLUMN])
    loaded = replace(loaded, runs=fill_losses(loaded.runs, workspace, columns))
    runs = group_runs(loaded.runs, x, also=also).all_runs if CURVE_COLUMN in columns else loaded.runs
    if not columns <= set(runs.column_names):
        runs = add_requested_settings(tidy_table(runs), columns)
    return replace(loaded, runs=runs)


def _load_stored(
    source: RunSource, workspace: Workspace, overrides: Sequence[str], columns: Sequence[str]
) -> LoadedRuns:
    """Load columns of the runs; if one is missing, all, so that the error can list the existing columns."""
    names = columns if set(columns) <= set(RUNS_SCHEMA.names) else None
    if is_study(source):
        study = Path(source) if isinstance(source, str) else source
        results = load_trained(study, workspace, overrides=overrides, columns=names)
        notes = (f"Partial: {results.partial}.",) if results.partial else ()
        return LoadedRuns(runs=results.final_runs, notes=notes)
    refuse_overrides(overrides, source)
    path = str(source)
    if "://" in path or Path(path).is_dir():
        runs = _without_pruned(workspace.stores().runs(names and [*names, _PRUNED]))
        if not runs.num_rows:
            raise StoreError(
                f"{source}: holds no runs; a store is filled by `scaling run` with this folder as its store"
            )
        return LoadedRuns(runs=runs)
    from scaling.fit.data.reading import SUFFIXES_TEXT

    if Path(path).exists():
        raise TableError(
            f"{source}: expected a study (.yaml), a store (a folder or URI) or a table ({SUFFIXES_TEXT})"
        )
    raise TableError(f"{source}: no such study (.yaml), store (a folder or URI) or table ({SUFFIXES_TEXT})")


def _without_pruned(runs: pa.Table) -> pa.Table:
    """Drop pruned networks, which are on no curve, and the column that identifies them."""
    return runs.filter(pc.is_null(runs[_PRUNED])).drop_columns(_PRUNED)


def drop_missing(loaded: LoadedRuns, x: str) -> LoadedRuns:
    """Drop the runs without a value of a setting, such as ``branches`` of a ``lenet5``, and note them.

    A derived count of 0, such as ``conv_parameters`` without convolutions, is no size either.

    Args:
        loaded: runs with the column.
        x: a setting. A column of the store is left alone, so that a missing value is reported as an error.
    """
    runs = loaded.runs
    if x not in runs.column_names or x in RUNS_SCHEMA.names:
        return loaded
    has_size = pc.is_valid(runs[x])
    if x in DERIVED_COUNTS.names:
        has_size = pc.fill_null(pc.greater(runs[x], 0), False)
    lacking = runs.filter(pc.invert(has_size))
    if not len(lacking):
        return loaded
    names = ", ".join(sorted(pc.unique(lacking["architecture"]).to_pylist()))
    note = f"Left out: {len(lacking)} of {len(runs)} runs ({names} has no {x})."
    return LoadedRuns(runs=runs.filter(has_size), notes=(*loaded.notes, note))


@contextmanager
def named_errors(source: RunSource) -> Iterator[None]:
    """Put the name of a source before the errors that its rows raise inside the block.

    Raises:
        FitError: the data do not determine a law.
        TableError: the table cannot be fitted as requested.
    """
    try:
        yield
    except (FitError, TableError) as error:
        raise type(error)(f"{source}: {error.problem}", option=error.option) from None


def load_judged_runs(workspace: Workspace, table: pa.Table, y: str) -> tuple[pa.Table, NDArray[np.bool_]]:
    """Return the runs that have an error, and which test images each of them classifies wrongly."""
    judged = table.filter(pc.is_finite(table[y]))
    return judged, load_wrong_images(workspace, judged)


def load_wrong_images(workspace: Workspace, table: pa.Table) -> NDArray[np.bool_]:
    """Return which test images each run classifies wrongly, as an array [runs, images]."""
    return workspace.stores().misclassified(table["id"].to_pylist())


def load_best_epoch(workspace: Workspace, table: pa.Table) -> pa.Table:
    """Add the test errors at the best validation epoch, if some run has validation errors.

    Args:
        workspace: as ``resolve_store`` returns it.
        table: runs, as ``load_runs`` returns them.
    """
    from scaling.fit.data.best_epoch import EPOCH_COLUMNS, add_best_epoch, has_validation

    if not has_validation(table):
        return table
    return add_best_epoch(table, workspace.stores().epochs(table["id"].to_pylist(), columns=EPOCH_COLUMNS))


def refuse_overrides(overrides: Sequence[str], source: RunSource) -> None:
    """Check that a source that is not a study has no overrides.

    Raises:
        UsageError: it has.
    """
    if overrides:
        raise UsageError(
            f"{overrides[0]}: only a study has settings, and {source} is not a study; leave it out",
            option="overrides",
        )
