"""Where the points of a fit come from: a study, a store, or anyone's table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from scaling.api._report import TABLE, tidy, trained
from scaling.api._workspace import Workspace
from scaling.errors import StoreError, TableError, UsageError
from scaling.store import RUNS_SCHEMA

STUDY = (".yaml", ".yml")
CURVE = "group"
"""Column with the label of a run's curve."""


def having(table: pa.Table, x: str) -> tuple[pa.Table, list[str]]:
    """The runs that have such a setting, and a sentence about those that have none, as ``lenet5`` has no branches."""
    if x not in table.column_names or x in RUNS_SCHEMA.names:
        return table, []
    lacking = table.filter(pc.is_null(table[x]))
    names = ", ".join(sorted(pc.unique(lacking["architecture"]).to_pylist()))
    said = [f"Left out: {len(lacking)} of {len(table)} runs ({names} has no {x})."] if len(lacking) else []
    return table.filter(pc.is_valid(table[x])), said


def is_file(source: str) -> bool:
    """Whether it is a table, perhaps of someone else, and neither a study nor a store."""
    return source.lower().endswith(TABLE) and not Path(source).is_dir()


def where(source: str, workspace: Workspace) -> Workspace:
    """With the stores that the runs of a source are in: those of the settings for a study, and a store itself for its own."""
    return workspace if source.endswith(STUDY) else replace(workspace, store=source, also=())


def anyones(source: str, overrides: Sequence[str], counts: tuple[str, str] | None) -> pa.Table:
    """A table of someone else.

    Args:
        source: a .parquet or .csv file.
        overrides: there must be none.
        counts: columns of wrong ones and of all, which give ``test_error``.

    Raises:
        TableError: it can't be read.
        UsageError: there are overrides.
    """
    from scaling.fit import add_error_from_counts, read_table

    _refuse(overrides, source)
    table = read_table(Path(source))
    return add_error_from_counts(table, *counts) if counts else table


def own(
    source: str, workspace: Workspace, overrides: Sequence[str], *, x: str, wanted: set[str]
) -> tuple[pa.Table, list[str]]:
    """The runs of a study (without its pilots) or of a store, with what is asked for beside the store's own columns; and what is still to come.

    Args:
        settings: as ``where`` gives them.
        overrides: of a study.
        x: the column that curves lie along.
        wanted: columns of the store, of ``tidy``, or ``CURVE``.

    Raises:
        TableError: it is neither a study nor a store.
        UsageError: there are overrides, and it is no study.
        StoreError: it holds no run.
    """
    from analysis.run_groups import COLUMNS, group_runs
    from scaling.fit import required_columns

    stored = dict.fromkeys([*required_columns("filters", "test_error", sorted(wanted)), *COLUMNS])
    runs, pending = _stored(source, workspace, overrides, [name for name in stored if name != CURVE])
    if CURVE in wanted:
        runs = group_runs(runs, x).every
    notes = (
        [f"{pending} runs of the study await the pilots that choose their learning rates."] if pending else []
    )
    return (runs if wanted <= set(runs.column_names) else by_short_names(tidy(runs), wanted)), notes


def wrong_images(workspace: Workspace, table: pa.Table) -> NDArray[np.bool_]:
    """[rows, images]: which images each run errs on."""
    return workspace.stores().misclassified(table["id"].to_pylist())


def unfinished(
    workspace: Workspace, table: pa.Table, *, x: str, by: Sequence[str]
) -> dict[tuple[str, ...], str]:
    """For each group with widths that still improve when their training ends, why to look at its laws.

    Args:
        settings: as ``where`` gives them.
        table: the runs, as ``own`` gives them.
        x: column of sizes.
        by: columns whose values, together, name a group.
    """
    from scaling.fit.diagnosis.convergence import check_convergence, epochs_to_compare

    columns = ("id", "epoch", "test_error")
    epochs = workspace.stores().epochs(table["id"].to_pylist(), columns=columns, at=epochs_to_compare(table))
    return check_convergence(table, epochs, x=x, by=by)


def _stored(
    source: str, workspace: Workspace, overrides: Sequence[str], columns: Sequence[str]
) -> tuple[pa.Table, int]:
    """Some columns of the runs of a study or a store; all of them where a store lacks one, for the message that will say so.

    Beside them, how many more await their learning rates.
    """
    names = columns if set(columns) <= set(RUNS_SCHEMA.names) else None
    if source.endswith(STUDY):
        made, runs = trained(Path(source), workspace, overrides, columns=names)
        return runs, made.pending
    _refuse(overrides, source)
    if "://" in source or Path(source).is_dir():
        if not (runs := workspace.stores().runs(names)).num_rows:
            raise StoreError(
                f"{source}: holds no runs; a store is filled by: scaling run CONFIG --store {source}"
            )
        return runs, 0
    raise TableError(f"{source}: no such study (.yaml), store (a folder or URI) or table (.parquet, .csv)")


def by_short_names(table: pa.Table, wanted: set[str]) -> pa.Table:
    """With a column ``branches`` for the leaf ``architecture.branches``, where that is asked for and no other leaf is called so."""
    for name in sorted(wanted - set(table.column_names)):
        leaves = [leaf for leaf in table.column_names if leaf.partition(".")[2] == name]
        if len(leaves) == 1:
            table = table.append_column(name, table[leaves[0]])
    return table


def _refuse(overrides: Sequence[str], source: str) -> None:
    if overrides:
        raise UsageError(
            f"--set {overrides[0]}: only a study has settings, and {source} is none; leave it out"
        )
