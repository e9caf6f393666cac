"""Reading what was trained: tables, fits, the report."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from scaling.api.settings import Settings
from scaling.api.studies import plan
from scaling.config import DRAWN, Run, flat
from scaling.errors import StoreError, TableError, UsageError
from scaling.plan import Plan
from scaling.store import RUNS, open_store

if TYPE_CHECKING:
    from rich.console import Group
    from rich.table import Table as RichTable

    from analysis.report import Report
    from scaling.fit import Fit, Prediction

STUDY = (".yaml", ".yml")
TABLE = (".parquet", ".csv")
CURVE = "group"
"""Column with the label of a run's curve."""
FORMS = {"auto": ("power", "floor"), "power": ("power",), "floor": ("floor",)}


def results(
    config: Path, settings: Settings | None = None, *, overrides: Sequence[str] = (), columns: Sequence[str] | None = None
) -> tuple[Plan, pa.Table]:
    """A study's plan, and the rows of ``runs`` that stores have of it.

    Args:
        columns: of the store's runs; all by default.
    """
    settings = settings or Settings()
    # Before the plan, which needs the ids alone: so each part is opened once.
    runs = settings.stores().runs(columns and list(dict.fromkeys(["id", *columns])))
    made = plan(config, settings, overrides=overrides)
    return made, runs.filter(pc.is_in(runs["id"], pa.array(list(made.done), pa.string())))


def _trained(config: Path, settings: Settings, overrides: Sequence[str] = (), columns: Sequence[str] | None = None) -> tuple[Plan, pa.Table]:
    """As ``results``, of a study that has some."""
    made, runs = results(config, settings, overrides=overrides, columns=columns)
    if not runs.num_rows:
        raise StoreError(f"{settings.store}: holds no run of this study; train it with: scaling run {config}")
    return made, runs


def tidy(runs: pa.Table) -> pa.Table:
    """One row a run with every leaf of its configuration as a column of its own, by its dotted path."""
    # A cell's runs differ in their draws alone, which have columns already; so each cell's leaves are read once.
    cells = pc.replace_substring_regex(runs["config_json"], DRAWN, "").combine_chunks().dictionary_encode()
    first = np.unique(cells.indices, return_index=True)[1]
    leaves = [flat(Run.read(text)) for text in runs["config_json"].take(first).to_pylist()]
    for name in dict.fromkeys(name for row in leaves for name in row):
        if name not in runs.column_names:
            values = [row.get(name) for row in leaves]
            listed = any(isinstance(value, list) for value in values)
            column = pa.array([json.dumps(value) if listed and value is not None else value for value in values])
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
        raise TableError(f"{out}: can't be written ({error.strerror or error}); choose another --out") from error
    return int(table.num_rows)


def laws_text(fits: Iterable[Fit]) -> Group:
    """The laws as a table for the terminal."""
    from analysis.terminal import laws_text

    return laws_text(fits)


def foretell(fit: Fit, sizes: Sequence[float | int]) -> list[Prediction]:
    """What the laws of a fit say at sizes that may not have been trained.

    Raises:
        UsageError: a size that no law has.
    """
    from scaling.fit import foretell

    return foretell(fit, sizes)


def predictions_text(fits: Iterable[Fit], sizes: Sequence[float | int]) -> RichTable:
    """What laws foretell, as a table for the terminal."""
    from analysis.terminal import predictions_text

    return predictions_text(fits, sizes)


def _is_file(source: str) -> bool:
    """Whether it is a table, perhaps of someone else, and neither a study nor a store."""
    return source.endswith(TABLE) and not Path(source).is_dir()


def source_table(source: str, settings: Settings, columns: Sequence[str], overrides: Sequence[str] = ()) -> pa.Table:
    """The points of a study, a store, or any .parquet or .csv.

    Args:
        columns: the ones that matter; a study or a store may leave the others out.
        overrides: of a study.

    Raises:
        TableError: it is none of these.
        UsageError: there are overrides, and it is no study.
        StoreError: it holds no run.
    """
    from scaling.fit import read_table

    if source.endswith(STUDY):
        return _trained(Path(source), settings, overrides, columns=_stored(columns))[1]
    if overrides:
        raise UsageError(f"--set {overrides[0]}: only a study has settings, and {source} is none; leave it out")
    if _is_file(source):
        return read_table(Path(source))
    if "://" in source or Path(source).is_dir():
        if not (runs := open_store(source).runs(_stored(columns))).num_rows:
            raise StoreError(f"{source}: holds no runs; a store is filled by: scaling run CONFIG --store {source}")
        return runs
    raise TableError(f"{source}: no such study (.yaml), store (a folder or URI) or table (.parquet, .csv)")


def _stored(columns: Sequence[str]) -> Sequence[str] | None:
    """Columns that a store has. All of them where it lacks one, for the message that will say so."""
    return columns if set(columns) <= set(RUNS.names) else None


def fit_source(
    source: str,
    settings: Settings | None = None,
    *,
    x: str = "filters",
    y: str = "test_error",
    by: Sequence[str] | None = None,
    form: str = "auto",
    holdout: int = 3,
    overrides: Sequence[str] = (),
    population: bool = False,
) -> list[Fit]:
    """Fit laws to the points of a study, a store, or any .parquet or .csv.

    Args:
        x, y, by: columns; of a study and a store those of ``tidy``, so that any leaf of the configuration is one.
        by: their values tell curves apart; by default the curves of the report, and ``architecture`` where a table of someone else has it.
        form: ``power``, ``floor``, or ``auto`` for both side by side.
        holdout: up to how many of the widest networks a law is tested on.
        overrides: laid over a study, such as ``recipe.epochs=5``.
        population: count the test images as a sample too; the runs' predictions must be stored.

    Raises:
        TableError: the table can't be fitted as asked.
        StoreError: no run is stored.
        FitError: the data can't say.
    """
    from analysis.groups import COLUMNS
    from scaling.fit import columns, fit_table

    if form not in FORMS:
        raise TableError(f"--form {form}: must be one of {', '.join(FORMS)}")
    settings, wrong = settings or Settings(), None
    if _is_file(source):
        if population:
            raise UsageError(f"--population: {source} doesn't say which images its runs err on; name a study or a store that keeps predictions")
        table = source_table(source, settings, (), overrides)
        by = ["architecture"] if by is None and "architecture" in table.column_names else by or []
    else:
        by = [CURVE] if by is None else by
        wanted = dict.fromkeys([*columns(x, y, by), *COLUMNS])
        stored = [name for name in wanted if name != CURVE]
        table = _with_columns(source_table(source, settings, stored, overrides), {x, y, *by})
        if population:
            if y != "test_error":
                raise UsageError(f"--population: counts images that are erred on, so y must be test_error, not {y}")
            table = table.filter(pc.is_finite(table["test_error"]))
            reader = settings.stores() if source.endswith(STUDY) else open_store(source)
            wrong = reader.wrong(table["id"].to_pylist())
    return fit_table(table, x=x, y=y, by=tuple(by), forms=FORMS[form], holdout=holdout, wrong=wrong)


def _with_columns(runs: pa.Table, wanted: set[str]) -> pa.Table:
    """The store's runs with what is asked for beside the store's own columns."""
    if CURVE in wanted:
        from analysis.groups import group

        runs = group(runs).every
    return runs if wanted <= set(runs.column_names) else tidy(runs)


def report(config: Path, settings: Settings | None = None, *, overrides: Sequence[str] = (), out: Path | None = None) -> Report:
    """Draw a study's figures and write its page.

    Args:
        out: a folder; by default ``artifacts/<study>``.

    Raises:
        StoreError: no run of the study is in a store.
        UsageError: the folder can't be written.
    """
    from analysis.report import write_report

    settings = settings or Settings()
    made, runs = _trained(config, settings, overrides)
    epochs = settings.stores().epochs(runs["id"].to_pylist())
    folder = out or settings.artifacts / made.study.name
    command = _report_command(config, settings, overrides, out)
    try:
        return write_report(study=made.study.name, runs=runs, epochs=epochs, out=folder, command=command, missing=made.new)
    except OSError as error:
        raise UsageError(f"{folder}: can't be written ({error.strerror or error}); choose another --out") from error


def _report_command(config: Path, settings: Settings, overrides: Sequence[str], out: Path | None) -> str:
    """What draws the same page again; where the data lie is each machine's own matter."""
    words = ["scaling", "report", str(config)]
    words += ["--store", settings.store] if settings.store != Settings().store else []
    words += [word for uri in settings.also for word in ("--also", uri)]
    words += [word for line in overrides for word in ("--set", line)]
    return shlex.join(words + (["--out", str(out)] if out else []))


def merge(config: Path, into: str, settings: Settings | None = None, *, overrides: Sequence[str] = (), predictions: bool = False) -> int:
    """Copy a study's finished runs into another store, as one part: to publish them, or to bring machines together.

    Args:
        into: folder or URI.
        predictions: copy these too; they are by far the largest table. Weights are never copied.

    Returns:
        How many were not there yet, or lacked predictions that were copied.
    """
    settings = settings or Settings()
    _, runs = results(config, settings, overrides=overrides)
    stores, ids = settings.stores(), runs["id"].to_pylist()
    tables = {"runs": runs, "epochs": stores.epochs(ids), "test_sets": stores.test_sets(set(runs["fingerprint"].to_pylist()))}
    if predictions:
        tables["predictions"] = stores.predictions(ids)
    return open_store(into).publish(tables)
