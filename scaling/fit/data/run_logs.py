"""Folders with the log of each run, as Ray Tune and Lightning's ``CSVLogger`` write them.

Ray Tune writes a folder for each trial, with ``result.json``, ``progress.csv`` and ``params.json``. The
``CSVLogger`` writes a folder for each run, with ``metrics.csv`` and ``hparams.yaml``. A log has a row for
each step.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv
from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError

from scaling.errors import TableError
from scaling.fit.data.csv_values import CONVERT_OPTIONS
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
        table = pa.concat_tables(tables, promote_options="permissive")
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


def _read_log(file: Path, *, run: str) -> pa.Table:
    """Return the rows of one log, with the settings and the state of its run."""
    try:
        table = _READERS[file.name](file)
    except (pa.ArrowException, OSError, UnicodeError, ValueError) as error:
        message = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TableError(f"{file}: cannot be read ({message}); remove the folder of this run") from error
    columns: dict[str, Any] = {RUN_COLUMN: run, **_read_settings(file.parent)}
    if (file.parent / _FAILURE_FILE).exists():
        columns[_STATE] = "error"
    for name, value in columns.items():
        if name not in table.column_names:
            table = table.append_column(name, pa.array([value] * len(table)))
    return table


def _read_lines(file: Path) -> pa.Table:
    """Read one JSON object a line, NaN included; a last line without its end is still being written."""
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines.pop()
    rows = [_flatten(json.loads(line)) for line in lines if line.strip()]
    names = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: pa.array([row.get(name) for row in rows]) for name in names})


def _read_csv(file: Path) -> pa.Table:
    if not file.stat().st_size:
        return pa.table({})
    return csv.read_csv(file, convert_options=CONVERT_OPTIONS)


_READERS: dict[str, Callable[[Path], pa.Table]] = {
    "result.json": _read_lines,
    "progress.csv": _read_csv,
    "metrics.csv": _read_csv,
}
"""Readers by the name of a log."""


def _read_settings(folder: Path) -> dict[str, Any]:
    """Return the settings of a run: ``config.NAME`` of Ray Tune, ``hparams.NAME`` of Lightning."""
    try:
        if (file := folder / "params.json").exists():
            return _flatten({"config": json.loads(file.read_text(encoding="utf-8"))})
        if (file := folder / "hparams.yaml").exists():
            reader = YAML(typ="safe", pure=True)
            reader.Constructor = _Constructor
            return _flatten({"hparams": reader.load(file) or {}})
    except (OSError, ValueError, YAMLError) as error:
        message = str(error).splitlines()[0]
        raise TableError(f"{file}: cannot be read ({message}); remove the folder of this run") from error
    return {}


class _Constructor(SafeConstructor):
    """Reader of values, in which an object of Python, which Lightning may write, is None."""


_Constructor.add_constructor(None, lambda constructor, node: None)


def _flatten(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``config.lr`` for ``lr`` inside ``config``, and lists as text."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": each for inner, each in _flatten(value).items()}
        else:
            flat[str(name)] = (
                value if isinstance(value, str | int | float | None) else json.dumps(value, default=str)
            )
    return flat
