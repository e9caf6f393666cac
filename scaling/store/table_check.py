"""Check of the values of a stored table. A file with the right hash can still hold values of no training."""

from __future__ import annotations

import json

import pyarrow as pa
import pyarrow.compute as pc

from scaling.store import paths
from scaling.store.schema import NULLABLE_COLUMNS, RESULT_COLUMNS, SHAPE_COLUMNS

JSON_COLUMNS = ("config_json", "versions", "layer_zero_gradients")
"""Columns of the runs table that hold JSON."""


def find_null(table: pa.Table, kind: str) -> str:
    """Return which column lacks values that every row has; empty if none does.

    Args:
        table: columns of a table, in the current schema.
        kind: name of the table, such as ``runs``.
    """
    for name, column in zip(table.column_names, table.itercolumns(), strict=True):
        if column.null_count and name not in NULLABLE_COLUMNS[kind]:
            return f"{column.null_count} rows have no {name}"
        if pa.types.is_list(column.type) and pc.list_flatten(column).null_count:
            return f"lists of {name} lack values"
    return ""


def find_bad_run(runs: pa.Table) -> str:
    """Return what is wrong with a row of a runs table with all columns; empty if nothing is."""
    for name in RESULT_COLUMNS:
        is_lacking = pc.and_not(runs[name].is_null(), runs["diverged"])
        if name == "val_error":
            is_lacking = pc.and_(is_lacking, pc.greater(runs["validation_images"], 0))
        if count := pc.sum(is_lacking).as_py():
            return f"{count} rows have no {name} although their runs did not diverge"
    counts = {name: runs[name].null_count for name in SHAPE_COLUMNS}
    if len(set(counts.values())) > 1:
        lacking = ", ".join(f"{count} rows have no {name}" for name, count in counts.items())
        return f"the shape of the images is incomplete: {lacking}"
    for name in JSON_COLUMNS:
        for run_id, text in zip(runs["id"].to_pylist(), runs[name].to_pylist(), strict=True):
            if text is not None and not _is_json_object(text):
                return f"run {run_id}: {name} is not JSON"
    return ""


def find_bad_name(table: pa.Table) -> str:
    """Return which id or fingerprint cannot be the name of a file; empty if all can.

    Args:
        table: columns of a table, in the current schema.
    """
    for column in {"id", "fingerprint"}.intersection(table.column_names):
        for name in pc.unique(table[column]).to_pylist():
            if not paths.is_file_name(name):
                return f"{name!r} is not the {column} of a run"
    return ""


def find_other_runs(table: pa.Table, runs: pa.Table) -> str:
    """Return how the runs of a further table of a part differ from the part's runs; empty if they do not."""
    ids, stored = pc.unique(runs["id"]), pc.unique(table["id"])
    if strangers := len(stored) - (pc.sum(pc.is_in(stored, ids)).as_py() or 0):
        return f"rows of {strangers} runs that its part does not have"
    lacking = len(ids) - len(stored)
    return f"no rows of {lacking} of the {len(ids)} runs of its part" if lacking else ""


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
