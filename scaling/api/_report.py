"""Reading what was trained: tables, fits, the report."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from scaling.api._derived_counts import counts
from scaling.api._plan import plan
from scaling.api._workspace import Workspace
from scaling.config import DRAWN, Run, flatten_settings
from scaling.errors import StoreError, TableError, UsageError
from scaling.plan import Plan
from scaling.store import open_store

if TYPE_CHECKING:
    from analysis.html_page import PageContext
    from analysis.report import Report
    from analysis.report_figure import ReportFigure

TABLE = (".parquet", ".csv")


def results(
    config: Path,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    columns: Sequence[str] | None = None,
) -> tuple[Plan, pa.Table]:
    """A study's plan, and the rows of ``runs`` that stores have of it, those of its pilots too.

    Args:
        columns: of the store's runs; all by default.
    """
    workspace = workspace or Workspace()
    # Before the plan, which needs the ids alone: so each part is opened once.
    runs = workspace.stores().runs(columns and list(dict.fromkeys(["id", *columns])))
    made = plan(config, workspace, overrides=overrides, trains=False)
    return made, runs.filter(pc.is_in(runs["id"], pa.array(list(made.done), pa.string())))


def trained(
    config: Path, workspace: Workspace, overrides: Sequence[str] = (), columns: Sequence[str] | None = None
) -> tuple[Plan, pa.Table]:
    """As ``results``, of a study that has some; without pilots."""
    made, every = results(config, workspace, overrides=overrides, columns=columns)
    runs = finals(made, every)
    if not runs.num_rows:
        only = f" but {every.num_rows} of its pilots" if every.num_rows else ""
        raise StoreError(
            f"{workspace.store}: holds no run of this study{only}; train it with: scaling run {config}"
        )
    return made, runs


def finals(made: Plan, runs: pa.Table) -> pa.Table:
    """Rows without those of pilots, which saw fewer training images and other learning rates than the study is about."""
    return runs.filter(pc.is_in(runs["id"], pa.array(list(made.finals), pa.string())))


def tidy(runs: pa.Table) -> pa.Table:
    """One row a run with every leaf of its configuration as a column of its own, by its dotted path, and the columns of ``COUNTS``."""
    # A cell's runs differ in their draws alone, which have columns already; so each cell's leaves are read once.
    cells = pc.replace_substring_regex(runs["config_json"], DRAWN, "").combine_chunks().dictionary_encode()
    first = np.unique(cells.indices, return_index=True)[1]
    read = [Run.from_json(text) for text in runs["config_json"].take(first).to_pylist()]
    leaves = [flatten_settings(run) for run in read]
    counted = counts(read, runs["train_images"].take(first).to_pylist(), runs)
    for name in dict.fromkeys(name for row in leaves for name in row):
        if name not in runs.column_names:
            values = [row.get(name) for row in leaves]
            listed = any(isinstance(value, list) for value in values)
            column = pa.array(
                [json.dumps(value) if listed and value is not None else value for value in values]
            )
            runs = runs.append_column(name, column.take(cells.indices))
    for name, column in counted.items():
        runs = runs.append_column(name, column.take(cells.indices))
    return runs.drop_columns(["config_json"])


def write_table(table: pa.Table, out: Path) -> int:
    """Write a .parquet or .csv file.

    Returns:
        Its rows.

    Raises:
        TableError: the name ends otherwise, or the file can't be written.
    """
    if out.suffix not in TABLE:
        raise TableError(f"{out}: must end in .parquet or .csv")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        parquet.write_table(table, out) if out.suffix == ".parquet" else csv.write_csv(table, out)
    except OSError as error:
        raise TableError(
            f"{out}: can't be written ({error.strerror or error}); choose another --out"
        ) from error
    return int(table.num_rows)


def report(
    config: Path,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    out: Path | None = None,
) -> Report:
    """Draw a study's figures and write its page.

    Args:
        out: a folder; by default ``artifacts/<study>``.

    Raises:
        StoreError: no run of the study is in a store.
        UsageError: the folder can't be written.
    """
    from analysis.learning_rates import TunedRates
    from analysis.report import write_report

    workspace = workspace or Workspace()
    made, runs = trained(config, workspace, overrides)
    tuned = [
        TunedRates(
            label=row.label,
            filters=row.cell.architecture.filters,
            validation_images=row.cell.pilots[0].dataset.validation,
            choice=row.cell.choice,
        )
        for row in made.rows()
        if row.cell.choice
    ]
    epochs = workspace.stores().epochs(runs["id"].to_pylist())
    folder = out or workspace.artifacts / made.study.name
    command = typed("report", config, workspace, overrides, out=out)
    try:
        return write_report(
            runs=runs,
            epochs=epochs,
            out=folder,
            context=page_context(made, command),
            tuned=tuned,
        )
    except OSError as error:
        raise UsageError(
            f"{folder}: can't be written ({error.strerror or error}); choose another --out"
        ) from error


def page_context(plan: Plan, command: str) -> PageContext:
    """Return the facts that a page states about a plan: the study, the command, and the missing runs."""
    from analysis.html_page import PageContext

    return PageContext(study=plan.study.name, command=command, missing=plan.new, pending=plan.pending)


def typed(
    command: str, config: Path, workspace: Workspace, overrides: Sequence[str], **options: object
) -> str:
    """What does the same again; where the data lie is each machine's own matter."""
    words = ["scaling", command, str(config)]
    words += ["--store", workspace.store] if workspace.store != Workspace().store else []
    words += [word for uri in workspace.also for word in ("--also", uri)]
    words += [word for line in overrides for word in ("--set", line)]
    return shlex.join(
        words + [word for name, value in options.items() if value for word in (f"--{name}", str(value))]
    )


def figures(config: Path, workspace: Workspace, *, overrides: Sequence[str] = ()) -> Path:
    """The folder for a study's figures."""
    return (
        workspace.artifacts
        / plan(config, workspace, overrides=overrides, trains=False).study.name
        / "figures"
    )


def drawn(folder: Path, draw: Callable[[], Sequence[ReportFigure]]) -> list[Path]:
    """Write figures, each as .svg, .png and .csv.

    Raises:
        UsageError: the folder can't be written.
    """
    from analysis.report_figure import draw_and_save

    try:
        return draw_and_save(folder, draw)
    except OSError as error:
        raise UsageError(
            f"{folder}: can't be written ({error.strerror or error}); choose another --out"
        ) from error


def merge(
    config: Path,
    into: str,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    predictions: bool = False,
) -> int:
    """Copy a study's finished runs into another store, as one part: to publish them, or to bring machines together.

    Args:
        into: folder or URI.
        predictions: copy these too; they are by far the largest table. Weights are never copied.

    Returns:
        How many were not there yet, or lacked predictions that were copied.
    """
    workspace = workspace or Workspace()
    _, runs = results(config, workspace, overrides=overrides)
    stores, ids = workspace.stores(), runs["id"].to_pylist()
    tables = {
        "runs": runs,
        "epochs": stores.epochs(ids),
        "test_sets": stores.test_sets(set(runs["fingerprint"].to_pylist())),
    }
    if predictions:
        tables["predictions"] = stores.predictions(ids)
    return open_store(into).publish(tables)
