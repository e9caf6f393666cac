"""Losses of stored runs, also of runs that an older version stored without a column for them."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from scaling.api._workspace import Workspace
from scaling.errors import TableError

_OF_EPOCHS = ("train_loss", "test_loss")
"""Losses that the epochs of every run have, at any age."""
_EPOCHS_HINT = "the store lacks their epochs; read the store that trained them as well, with `also`"
_HINTS = {
    **dict.fromkeys(_OF_EPOCHS, _EPOCHS_HINT),
    "val_loss": "it is measured with dataset.validation, and older runs lack it; fit val_error instead",
}
"""Columns of losses, each with the reason why runs lack it and what to do."""


def fill_losses(runs: pa.Table, workspace: Workspace, columns: Collection[str] = _OF_EPOCHS) -> pa.Table:
    """Fill in losses that older runs lack with those of the last epoch, which newer runs have as columns.

    Args:
        runs: rows of the store's table ``runs``, with ``id``, ``epochs`` and ``diverged``.
        workspace: stores that hold the runs.
        columns: requested columns; only losses among them are filled in.
    """
    names = [name for name in _OF_EPOCHS if name in columns and name in runs.column_names]
    lacking = [runs.filter(_is_lacking(runs, name)) for name in names]
    older = next((table for table in lacking if len(table)), None)
    if older is None:
        return runs
    epochs = workspace.stores().epochs(
        older["id"].to_pylist(),
        columns=["id", "epoch", *names],
        at=pc.unique(older["epochs"]).to_pylist(),
    )
    # The epochs are sorted by id and number, so the last row of an id is its last epoch.
    last_rows = {run_id: row for row, run_id in enumerate(epochs["id"].to_pylist())}
    rows = pa.array([last_rows.get(run_id) for run_id in runs["id"].to_pylist()], pa.int64())
    for name in names:
        filled = pc.coalesce(runs[name], epochs[name].take(rows))
        runs = runs.set_column(runs.schema.get_field_index(name), name, filled)
    return runs


def note_missing_losses(runs: pa.Table, y: str) -> tuple[str, ...]:
    """Return a sentence on the runs without a loss and what to do; none if all have one, or y is no loss.

    Raises:
        TableError: no run has the loss.
    """
    if y not in _HINTS or not len(runs):
        return ()
    lacking = pc.sum(_is_lacking(runs, y)).as_py()
    if lacking == len(runs):
        raise TableError(f"{y}: no run has it; {_HINTS[y]}")
    return (f"{lacking} of {len(runs)} runs have no {y}: {_HINTS[y]}.",) if lacking else ()


def _is_lacking(runs: pa.Table, loss: str) -> pa.ChunkedArray:
    """Return which runs have no loss although they did not diverge."""
    return pc.and_not(runs[loss].is_null(), pc.fill_null(runs["diverged"], False))
