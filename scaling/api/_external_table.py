"""Load a table that another tool wrote: a file, a folder of logs, or a table in memory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from scaling.api._fit_options import CountColumns, RowOptions
from scaling.api._load import LoadedRuns, RunSource, TableInMemory, refuse_overrides
from scaling.errors import TableError

if TYPE_CHECKING:
    from scaling.fit.data.run_logs import RunLogs


def load_external_table(
    source: RunSource,
    *,
    overrides: Sequence[str],
    counts: CountColumns | None,
    rows: RowOptions,
    sizes: Sequence[str],
    y: str,
    others: Sequence[str] = (),
) -> LoadedRuns:
    """Read a table that was not made by this package.

    A requested column may be named by the last part of its name, such as ``lr`` for ``config/lr``, if only
    one column ends in it. Of a folder with logs of runs, the last row with an error of each run is kept,
    unless the options choose rows by their step.

    Args:
        source: a file or a folder that ``scaling.fit.read_table`` reads, a folder of logs, or a table in
            memory.
        overrides: must be empty.
        counts: columns of counts that give ``test_error``.
        rows: says whether the table is wide, which rows are chosen, and which column holds an accuracy.
        sizes: requested columns of sizes.
        y: requested column of errors.
        others: further requested columns.

    Raises:
        TableError: the table cannot be read, is wide, or is the log of one run, which has no sizes.
        UsageError: there are overrides.
    """
    from scaling.fit import add_error_from_counts, melt_wide
    from scaling.fit.data.run_logs import counts_steps
    from scaling.fit.data.wide import describe_wide, find_wide

    refuse_overrides(overrides, source)
    # The error may be one that is computed from other columns.
    measured = [counts.error_counts, counts.image_counts] if counts else [rows.accuracy or y]
    columns = [*sizes, *measured]
    table, logs = _read(source)
    if rows.wide:
        table = melt_wide(table)
    chosen = [*rows.conditions(), *rows.run, *([rows.last_of] if rows.last_of else [])]
    table = use_short_names(table, [*columns, *others, *chosen])
    missing = [name for name in columns if name not in table.column_names]
    if missing and not rows.wide and (wide := find_wide(table)):
        raise TableError(f"{source}: {describe_wide(wide)}")
    if not logs:
        _check_log_of_one_run(source, table, columns)
    notes: Sequence[str] = ()
    if logs and measured[0] in table.column_names and not any(map(counts_steps, [*sizes, *chosen])):
        selection = logs.with_table(table).last_rows(measured[0])
        table, notes = selection.table, selection.notes
    elif logs:
        notes = logs.notes
    if counts:
        table = add_error_from_counts(table, counts.error_counts, of=counts.image_counts)
    return LoadedRuns(runs=table, notes=tuple(notes))


def _read(source: RunSource) -> tuple[pa.Table, RunLogs | None]:
    from scaling.fit import read_table
    from scaling.fit.data.run_logs import is_run_folder, read_run_logs

    if isinstance(source, TableInMemory):
        return source.table, None
    path = Path(str(source))
    if is_run_folder(path):
        logs = read_run_logs(path)
        return logs.table, logs
    return read_table(path), None


def use_short_names(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Rename columns whose names end in a requested name: ``config/lr`` or ``config.lr.value`` for ``lr``.

    Args:
        table: any table.
        columns: requested columns. One that exists, and one that several columns end in, changes nothing.
    """
    names = list(table.column_names)
    for wanted in columns:
        matches = [name for name in names if wanted in _endings(name)]
        if wanted not in names and len(matches) == 1:
            names[names.index(matches[0])] = wanted
    return table.rename_columns(names)


def _endings(column: str) -> set[str]:
    """Return ``lr`` and ``optimizer.lr`` for ``config.optimizer.lr``."""
    bare = column.removesuffix(".value")  # beside it, Weights & Biases has a description
    return {bare[match.end() :] for match in re.finditer(r"[./]", bare)}


def _check_log_of_one_run(source: RunSource, table: pa.Table, columns: Sequence[str]) -> None:
    """Check that the log of a single run has the requested columns, and several sizes.

    Raises:
        TableError: it has not; the settings of a run are not in its log.
    """
    from scaling.fit.data.run_logs import is_run_log

    if not (isinstance(source, str) and is_run_log(path := Path(source))):
        return
    problem = "no such column"
    missing = [name for name in columns if name not in table.column_names]
    if not missing and len(table[columns[0]].unique()) == 1:
        missing, problem = [columns[0]], "has one value"
    if missing:
        raise TableError(
            f"{source}: {missing[0]}: {problem} in the log of this one run; give the folder of all runs"
            f" ({path.absolute().parent.parent}), whose settings are read as well, or one of the columns:"
            f" {', '.join(table.column_names)}"
        )


def external_curves(table: pa.Table) -> tuple[str, ...]:
    """Return the columns that separate the curves of an external table by default."""
    return ("architecture",) if "architecture" in table.column_names else ()
