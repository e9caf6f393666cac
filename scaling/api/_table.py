"""Tidy tables of runs: every setting is a column, and derived counts are added.

Every name can be used in SQL without quotes. A setting is named by its path with underscores, such as
``architecture_branches``, unless the store's table has a column for it, such as ``learning_rate``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import csv, parquet

from scaling.api._convergence import EARLY_ERRORS, add_early_errors
from scaling.api._derived_counts import DERIVED_COUNTS, compute_counts
from scaling.api._losses import fill_losses
from scaling.api._results import load_trained
from scaling.api._workspace import Workspace
from scaling.config import Run, StudySource, flatten_settings
from scaling.config.cell_index import index_cells
from scaling.config.setting_docs import nested_setting_docs
from scaling.errors import TableError
from scaling.files import writing
from scaling.store import RUNS_SCHEMA

_WRITTEN_SUFFIXES = (".parquet", ".csv")
PROMOTED_SETTINGS = {
    "data.type": "dataset",
    "data.fingerprint": "fingerprint",
    "data.labels": "labels",
    "data.train_images": "train_images",
    "data.validation": "validation_images",
    "architecture.type": "architecture",
    "architecture.filters": "filters",
    "recipe.epochs": "epochs",
    "recipe.batch_size": "batch_size",
    "recipe.optimizer.type": "optimizer",
    "recipe.learning_rate": "learning_rate",
    "recipe.weight_decay": "weight_decay",
    "recipe.precision": "precision",
    "seed": "seed",
    "order": "data_order",
    "training_version": "training_version",
    "pruning.method": "pruning_method",
}
"""Columns that hold a setting, by its dotted path. ``labels`` and ``train_images`` are always numbers."""
_OF_LAST_RECIPE = frozenset(path for path in PROMOTED_SETTINGS if path.startswith("recipe."))
"""Settings whose column holds the value of the retraining if the network is pruned."""
RENAMED_COLUMNS = {"order": "data_order", "commit": "git_commit"}
"""Columns of the store whose names are keywords of SQL, and their names in a tidy table."""


@dataclass(frozen=True, kw_only=True)
class RunTable:
    """Tidy table of the finished runs of a study."""

    runs: pa.Table
    """One row a run, without pilot runs; see ``tidy_table`` for the columns. The metadata of each field have
    its ``description``, and its ``unit`` if it has one."""
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
    runs = add_early_errors(fill_losses(results.final_runs, workspace), workspace)
    return RunTable(
        runs=_describe(tidy_table(runs), runs),
        pilots=results.runs.num_rows - results.final_runs.num_rows,
        pending=results.plan.pending,
    )


def tidy_table(runs: pa.Table) -> pa.Table:
    """Return one row a run, with a column for every setting and for every derived count.

    Args:
        runs: rows of the store's table ``runs``.

    Returns:
        The columns of ``runs`` without ``config_json``, every other setting, and the columns of
        ``DERIVED_COUNTS``. The metadata of a setting's field have its dotted path as ``setting``.
    """
    # The runs of a cell differ only in seed and order, which are columns: read each cell's settings once.
    cells = index_cells(runs)
    names = [name for name in runs.column_names if name != "config_json"]
    tidy = runs.select(names).rename_columns([RENAMED_COLUMNS.get(name, name) for name in names])
    settings = [_further_settings(run) for run in cells.runs]
    for path in dict.fromkeys(path for row in settings for path in row):
        values = [row.get(path) for row in settings]
        if any(isinstance(value, list) for value in values):
            values = [None if value is None else json.dumps(value) for value in values]
        field = pa.field(path.replace(".", "_"), pa.array(values).type, metadata={"setting": path})
        tidy = tidy.append_column(field, pa.array(values).take(cells.cell_of_row))
    counts = compute_counts(cells.runs, cells.train_images, runs=runs)
    for name, column in counts.items():
        tidy = tidy.append_column(name, column.take(cells.cell_of_row))
    return tidy


def setting_column(path: str) -> str:
    """Return the column of ``tidy_table`` that holds a setting, by the setting's dotted path."""
    return PROMOTED_SETTINGS.get(path) or path.replace(".", "_")


def _further_settings(run: Run) -> dict[str, object]:
    """Return the settings of a run that the store's table has no column for, by their dotted paths."""
    settings = flatten_settings(run)
    promoted = set(PROMOTED_SETTINGS)
    if run.pruning:
        promoted = promoted - _OF_LAST_RECIPE | {f"pruning.{path}" for path in _OF_LAST_RECIPE}
    return {path: value for path, value in settings.items() if path not in promoted}


def add_requested_settings(table: pa.Table, columns: Set[str]) -> pa.Table:
    """Add requested columns under a setting's path or short name: ``architecture.branches``, ``branches``.

    A short name that several settings share is not added.

    Args:
        table: as ``tidy_table`` returns it.
        columns: names of the requested columns.

    Raises:
        TableError: a name with a dot is the path of no setting of these runs.
    """
    from scaling.fit.data.columns import check_column

    paths = PROMOTED_SETTINGS | {
        path.decode(): field.name
        for field in table.schema
        if (path := (field.metadata or {}).get(b"setting"))
    }
    for name in sorted(columns - set(table.column_names)):
        found = [path for path in paths if name in (path, path.partition(".")[2])]
        if "." in name and not found:
            check_column(list(paths), name)
        if len(found) == 1 and paths[found[0]] in table.column_names:
            table = table.append_column(name, table[paths[found[0]]])
    return table


def _describe(table: pa.Table, runs: pa.Table) -> pa.Table:
    """Return a tidy table whose fields have a description, and a unit if they have one, in their metadata."""
    docs: dict[str, list[str]] = {}
    for run in index_cells(runs).runs:
        for path, text in nested_setting_docs(run).items():
            if text not in docs.setdefault(path, []):
                docs[path].append(text)
    fields = [*RUNS_SCHEMA, *DERIVED_COUNTS, *EARLY_ERRORS]
    known = {RENAMED_COLUMNS.get(field.name, field.name): field for field in fields}
    for position, field in enumerate(table.schema):
        metadata = dict(field.metadata or {})
        if field.name in known:
            metadata |= known[field.name].metadata
        elif path := metadata.get(b"setting", b"").decode():
            group, _, name = path.rpartition(".")
            # Architectures may say different things about settings of one name.
            metadata["description"] = " Or: ".join(docs.get(path, [f"{name.capitalize()} of {group}."]))
        table = table.set_column(position, field.with_metadata(metadata), table[position])
    return table


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
