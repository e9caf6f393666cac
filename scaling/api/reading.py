"""Reading what was trained: tables, fits, the report."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from scaling.api.settings import Settings
from scaling.api.studies import plan
from scaling.config import Run, flat
from scaling.errors import StoreError, TableError
from scaling.plan import Plan
from scaling.store import open_store

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from analysis.report import Report
    from scaling.fit import Fit

STUDY = (".yaml", ".yml")
TABLE = (".parquet", ".csv")
FORMS = {"auto": ("power", "floor"), "power": ("power",), "floor": ("floor",)}


def results(config: Path, settings: Settings | None = None, *, overrides: Sequence[str] = ()) -> tuple[Plan, pa.Table]:
    """A study's plan, and the rows of ``runs`` that stores have of it."""
    settings = settings or Settings()
    made = plan(config, settings, overrides=overrides)
    runs = settings.stores().runs()
    return made, runs.filter(pc.is_in(runs["id"], pa.array(sorted(made.done), pa.string())))


def _trained(config: Path, settings: Settings, overrides: Sequence[str] = ()) -> tuple[Plan, pa.Table]:
    """As ``results``, of a study that has some."""
    made, runs = results(config, settings, overrides=overrides)
    if not runs.num_rows:
        raise StoreError(f"{settings.store}: holds no run of this study; train it with: scaling run {config}")
    return made, runs


def tidy(runs: pa.Table) -> pa.Table:
    """One row a run with every leaf of its configuration as a column of its own, by its dotted path."""
    leaves = [flat(Run.read(text)) for text in runs["config_json"].to_pylist()]
    for name in dict.fromkeys(name for row in leaves for name in row):
        values = [row.get(name) for row in leaves]
        listed = any(isinstance(value, list) for value in values)
        column = pa.array([json.dumps(value) if listed and value is not None else value for value in values])
        if name not in runs.column_names:
            runs = runs.append_column(name, column)
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


def laws_text(fits: Iterable[Fit]) -> RichTable:
    """The laws as a table for the terminal."""
    from analysis.terminal import laws_text

    return laws_text(fits)


def source_table(source: str, settings: Settings) -> pa.Table:
    """The points of a study, a store, or any .parquet or .csv.

    Raises:
        TableError: it is none of these.
        StoreError: it holds no run.
    """
    from scaling.fit import read_table

    if source.endswith(TABLE) and not Path(source).is_dir():
        return read_table(Path(source))
    if source.endswith(STUDY):
        return _trained(Path(source), settings)[1]
    if "://" in source or Path(source).is_dir():
        if not (runs := open_store(source).runs()).num_rows:
            raise StoreError(f"{source}: holds no runs; a store is filled by: scaling run CONFIG --store {source}")
        return runs
    raise TableError(f"{source}: no such study (.yaml), store (a folder or URI) or table (.parquet, .csv)")


def fit_source(
    source: str,
    settings: Settings | None = None,
    *,
    x: str = "filters",
    y: str = "test_error",
    by: Sequence[str] | None = None,
    form: str = "auto",
    holdout: int = 2,
) -> list[Fit]:
    """Fit laws to the points of a study, a store, or any .parquet or .csv.

    Args:
        by: columns whose values tell curves apart; by default ``architecture`` where there is one.
        form: ``power``, ``floor``, or ``auto`` for both side by side.
        holdout: how many of the widest networks a law is tested on.

    Raises:
        TableError: the table can't be fitted as asked.
        StoreError: no run is stored.
        FitError: the data can't say.
    """
    from scaling.fit import fit_table

    if form not in FORMS:
        raise TableError(f"--form {form}: must be one of {', '.join(FORMS)}")
    table = source_table(source, settings or Settings())
    if by is None:
        by = ["architecture"] if "architecture" in table.column_names else []
    return fit_table(table, x=x, y=y, by=tuple(by), forms=FORMS[form], holdout=holdout)


def report(config: Path, settings: Settings | None = None, *, overrides: Sequence[str] = (), out: Path | None = None) -> Report:
    """Draw a study's figures and write its page.

    Args:
        out: a folder; by default ``artifacts/<study>``.

    Raises:
        StoreError: no run of the study is in a store.
    """
    from analysis.report import write_report

    settings = settings or Settings()
    made, runs = _trained(config, settings, overrides)
    epochs = settings.stores().epochs(runs["id"].to_pylist())
    out = out or settings.artifacts / made.study.name
    return write_report(study=made.study.name, runs=runs, epochs=epochs, out=out, command=f"scaling report {config}", missing=made.new)


def merge(config: Path, into: str, settings: Settings | None = None, *, overrides: Sequence[str] = (), predictions: bool = False) -> int:
    """Copy a study's finished runs into another store, as one part: to publish them, or to bring machines together.

    Args:
        into: folder or URI.
        predictions: copy these too; they are by far the largest table.

    Returns:
        How many were not there yet.
    """
    settings = settings or Settings()
    _, runs = results(config, settings, overrides=overrides)
    stores, ids = settings.stores(), runs["id"].to_pylist()
    tables = {"runs": runs, "epochs": stores.epochs(ids), "test_sets": stores.test_sets(set(runs["fingerprint"].to_pylist()))}
    if predictions:
        tables["predictions"] = stores.predictions(ids)
    return open_store(into).publish(tables)
