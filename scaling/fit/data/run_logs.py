"""Folders with the log of each run, as Ray Tune and Lightning's ``CSVLogger`` write them.

Ray Tune writes a folder for each trial, with ``result.json``, ``progress.csv`` and ``params.json``. The
``CSVLogger`` writes a folder for each run, with ``metrics.csv`` and ``hparams.yaml``. A log has a row for
each step.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from scaling.config.yaml_reader import parse_tagged_yaml
from scaling.errors import TableError
from scaling.files import NO_SUCH_FILE, file_problem
from scaling.fit.data.csv_values import CONVERT_OPTIONS
from scaling.fit.data.json_rows import columns_of, decode_text, parse_json, parse_json_lines
from scaling.fit.data.roles import is_step
from scaling.fit.data.row_selection import Selection, select_last

RUN_COLUMN = "run"
"""Column with the folder of each run, relative to the folder of all runs."""
_STEPS = ("training_iteration", "step", "epoch")
"""Columns that count the steps of a run, the finest first."""
_STATE = "state"
_MAX_DEPTH = 4
"""Largest number of folders between the folder of all runs and that of a run."""
_MAX_DIGITS = 20
_FAILURE_FILE = "error.txt"
"""File that Ray Tune writes for a trial that failed."""
_HINT = "correct it, or remove the folder of this run"


@dataclass(frozen=True, kw_only=True)
class RunLogs:
    """Logs of all runs as one table."""

    table: pa.Table
    """One row for each run and step, with the column ``run``, and the settings of each run as columns."""
    step: str | None
    """Column that counts the steps of a run; None if there is none."""
    notes: tuple[str, ...]
    """Sentences about runs that are left out."""

    def with_table(self, table: pa.Table) -> RunLogs:
        """Return the same logs with other names of columns."""
        return replace(self, table=table)

    def last_rows(self, y: str) -> Selection:
        """Return the last row with a value of y of each run."""
        if self.step is None:
            return Selection(self.table, list(self.notes))
        last = select_last(self.table, self.step, y=y, run=[RUN_COLUMN])
        return Selection(last.table, [*self.notes, *last.notes])


def is_run_folder(source: Path) -> bool:
    """Return True for a folder that holds logs of runs. A store is none, and can be too large to search."""
    if any((source / "runs").glob("*.parquet")):
        return False
    return next(_find_logs(source), None) is not None


def is_run_log(source: Path) -> bool:
    """Return True for a file with the name of the log of one run."""
    return source.name in _READERS


def read_run_logs(folder: Path) -> RunLogs:
    """Read the log of each run in a folder.

    Args:
        folder: folder of a Ray Tune experiment, folder of a ``CSVLogger``, or a folder of one run.

    Raises:
        TableError: a log cannot be read, no log has rows, or a column holds numbers in one log and text in
            another.
    """
    tables, n_empty = [], 0
    for file in sorted(_find_logs(folder), key=_natural_order):
        table = _read_log(file, run=file.parent.relative_to(folder).as_posix())
        n_empty += not len(table)
        tables.append(table)
    tables = [table for table in tables if len(table)]
    if not tables:
        raise TableError(f"{folder}: its logs have no rows yet; wait for the first results")
    try:
        table = pa.concat_tables(_with_equal_numbers(tables), promote_options="permissive")
    except pa.ArrowException as error:
        raise TableError(
            f"{folder}: a column holds numbers in one log and text in another ({error}); give a folder of"
            " runs that log the same"
        ) from None
    notes = (
        (f"Left out: {n_empty} of {n_empty + len(tables)} runs (their logs are empty).",) if n_empty else ()
    )
    step = next((name for name in _STEPS if name in table.column_names), None)
    return RunLogs(table=table, step=step, notes=notes)


def counts_steps(column: str) -> bool:
    """Return True for a column along which each log has many rows."""
    return column in _STEPS or is_step(column)


def _find_logs(folder: Path) -> Iterator[Path]:
    """Yield the log of each run: of several logs in one folder, the first in the order of the readers."""
    for path, folders, files in os.walk(folder):
        depth = len(Path(path).relative_to(folder).parts)
        if depth >= _MAX_DEPTH:
            folders.clear()
        for name in _READERS:
            if name in files:
                folders.clear()
                yield Path(path, name)
                break


def _natural_order(file: Path) -> str:
    """Return a key that sorts ``version_2`` before ``version_10``."""
    return re.sub(r"\d+", lambda number: number[0].zfill(_MAX_DIGITS), file.parent.as_posix())


def _with_equal_numbers(tables: Sequence[pa.Table]) -> list[pa.Table]:
    """Turn a column of integers into floats if it holds floats in another table.

    Arrow refuses to do this for integers beyond 53 bits, such as some seeds.
    """
    floats = {field.name for table in tables for field in table.schema if pa.types.is_floating(field.type)}
    converted = []
    for table in tables:
        for index, field in enumerate(table.schema):
            if field.name in floats and pa.types.is_integer(field.type):
                column = table.column(index).cast(pa.float64(), safe=False)
                table = table.set_column(index, field.name, column)
        converted.append(table)
    return converted


def _read_log(file: Path, *, run: str) -> pa.Table:
    """Return the rows of one log, with the settings and the state of its run."""
    table = _read_file(file, _READERS[file.name])
    columns = {RUN_COLUMN: pa.scalar(run), **_read_settings(file.parent)}
    if (file.parent / _FAILURE_FILE).exists():
        columns[_STATE] = pa.scalar("error")
    for name, value in columns.items():
        if name not in table.column_names:
            table = table.append_column(name, pa.repeat(value, len(table)))
    return table


def _read_file(file: Path, reader: Callable[[bytes], pa.Table]) -> pa.Table:
    """Return what a reader makes of the content of a file.

    Raises:
        TableError: the file is no regular file, such as a pipe, which would keep its reader waiting, or the
            reader cannot read it.
    """
    if problem := file_problem(file):
        raise TableError(f"{file}: {problem}; {_HINT}")
    try:
        return reader(file.read_bytes())
    except (pa.ArrowException, OSError, ValueError) as error:
        message = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TableError(f"{file}: cannot be read ({message}); {_HINT}") from error


def _read_lines(content: bytes) -> pa.Table:
    """Read one JSON object a line, NaN included; a last line without its end is still being written."""
    text = decode_text(content)
    finished = text[: text.rfind("\n") + 1]
    return pa.table(columns_of(parse_json_lines(finished)))


def _read_csv(content: bytes) -> pa.Table:
    if not content:
        return pa.table({})
    decode_text(content)  # Arrow takes text in another encoding for binary data
    return csv.read_csv(BytesIO(content), convert_options=CONVERT_OPTIONS)


def _read_params(content: bytes) -> pa.Table:
    return pa.table(columns_of([{"config": parse_json(decode_text(content))}]))


def _read_hparams(content: bytes) -> pa.Table:
    return pa.table(columns_of([{"hparams": parse_tagged_yaml(content) or {}}]))


_READERS: dict[str, Callable[[bytes], pa.Table]] = {
    "result.json": _read_lines,
    "progress.csv": _read_csv,
    "metrics.csv": _read_csv,
}
"""Readers by the name of a log."""
_SETTINGS_READERS: dict[str, Callable[[bytes], pa.Table]] = {
    "params.json": _read_params,
    "hparams.yaml": _read_hparams,
}
"""Readers by the name of a file with the settings of a run, of which the first that exists is read."""


def _read_settings(folder: Path) -> dict[str, pa.Scalar]:
    """Return the settings of a run: ``config.NAME`` of Ray Tune, ``hparams.NAME`` of Lightning."""
    for name, reader in _SETTINGS_READERS.items():
        if file_problem(file := folder / name) != NO_SUCH_FILE:
            settings = _read_file(file, reader)
            return {name: settings[name][0] for name in settings.column_names}
    return {}
