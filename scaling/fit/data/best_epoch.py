"""Errors at the epoch that validation would choose, beside those of the last epoch, which are reported."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scaling.fit.data.columns import numeric_column

BEST_EPOCH_COLUMN = "test_error_at_best_epoch"
"""Column with the test error at the epoch with the highest validation accuracy."""
EPOCH_COLUMNS = ("id", "epoch", "val_accuracy", "test_error")
"""Columns of the epochs from which it follows."""


def has_validation(runs: pa.Table) -> bool:
    """Return True if some run has a validation error.

    Args:
        runs: one row a run, with or without the column ``val_error``.
    """
    return "val_error" in runs.column_names and runs["val_error"].null_count < len(runs)


def add_best_epoch(runs: pa.Table, epochs: pa.Table) -> pa.Table:
    """Add the test error of each run at its best validation epoch; the first one of several that are equal.

    A run without such an epoch has null. Without any, the table is returned unchanged.

    Args:
        runs: one row a run, with the column ``id``.
        epochs: epochs of these runs, with ``EPOCH_COLUMNS``.
    """
    epochs = epochs.append_column("run", pc.index_in(epochs["id"], value_set=runs["id"]))
    epochs = epochs.filter(pc.and_(pc.is_valid(epochs["run"]), pc.is_valid(epochs["val_accuracy"])))
    if not len(epochs):
        return runs
    epochs = epochs.sort_by([("run", "ascending"), ("val_accuracy", "descending"), ("epoch", "ascending")])
    first_of_run = np.flatnonzero(np.diff(epochs["run"].to_numpy(), prepend=-1))
    best = epochs.take(first_of_run)
    errors = np.full(len(runs), np.nan)
    errors[best["run"].to_numpy()] = numeric_column(best, "test_error")
    return runs.append_column(BEST_EPOCH_COLUMN, pa.array(errors, from_pandas=True))
