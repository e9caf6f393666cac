"""Tidy tables of runs: every setting is a column, and derived counts are added."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import csv, parquet

from scaling.api._derived_counts import compute_counts
from scaling.api._losses import fill_losses
from scaling.api._results import load_trained
from scaling.api._workspace import Workspace
from scaling.config import StudySource, flatten_settings
from scaling.config.cell_index import index_cells
from scaling.errors import TableError
from scaling.files import writing

_WRITTEN_SUFFIXES = (".parquet", ".csv")


@dataclass(frozen=True, kw_only=True)
class RunTable:
    """Tidy table of the finished runs of a study."""

    runs: pa.Table
    """One row a run, without pilot runs; see ``tidy_table`` for the columns."""
    pilots: int
    """Number of finished pilot runs, which are left out."""
    pending: int
    """Number of runs whose learning rate is not chosen yet."""


def table(
    config: StudySource, workspace: Workspace | None = None, *, overrides: Sequence[str] = ()
) -> RunTable:
    """Return one tidy table of a study's finished runs.

    Args:
        config: YAML file of the study, or its settings.
        workspace: stores and folders.
        overrides: changed settings, such as ``recipe.epochs=5``.

    Raises:
        ConfigError: the study is invalid.
        StoreError: a store cannot be read, or no store holds a run of the study other than pilot runs.
    """
    workspace = workspace or Workspace()
    results = load_trained(config, workspace, overrides=overrides)
    return RunTable(
        runs=tidy_table(fill_losses(results.final_runs, workspace)),
        pilots=results.runs.num_rows - results.final_runs.num_rows,
        pending=results.plan.pending,
    )


def tidy_table(runs: pa.Table) -> pa.Table:
    """Return one row a run, with a column for every setting and for every derived count.

    Args:
        runs: rows of the store's table ``runs``.

    Returns:
        The columns of ``runs`` without ``config_json``, each setting under its dotted path, and the columns
        of
        ``DERIVED_COUNTS``.
    """
    # The runs of a cell differ only in seed and order, which are columns: read each cell's settings once.
    cells = index_cells(runs)
    settings = [flatten_settings(run) for run in cells.runs]
    counts = compute_counts(cells.runs, cells.train_images, runs=runs)
    for name in dict.fromkeys(name for row in settings for name in row):
        if name not in runs.column_names:
            values = [row.get(name) for row in settings]
            if any(isinstance(value, list) for value in values):
                values = [None if value is None else json.dumps(value) for value in values]
            runs = runs.append_column(name, pa.array(values).take(cells.cell_of_row))
    for name, column in counts.items():
        runs = runs.append_column(name, column.take(cells.cell_of_row))
    return runs.drop_columns(["config_json"])


def write_table(table: pa.Table, out: Path) -> int:
    """Write a table as a .parquet or .csv file.

    Returns:
        Number of rows.

    Raises:
        TableError: the file name has another suffix, or the file cannot be written.
    """
    if out.suffix not in _WRITTEN_SUFFIXES:
        raise TableError(f"{out}: expected a file that ends in .parquet or .csv", option="out")
    with writing(out, hint="choose another `out`", error=TableError):
        out.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(table, out) if out.suffix == ".parquet" else csv.write_csv(table, out)
    return int(table.num_rows)
