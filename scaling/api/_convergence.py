"""Errors before the end of training, which show whether the training was long enough."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from scaling.api._workspace import Workspace
from scaling.store.schema import column

EARLY_ERRORS = pa.schema(
    [
        column(
            "early_test_error",
            pa.float64(),
            "Test error after nine tenths of the epochs; `scaling fit` compares it with test_error to see"
            " whether training was long enough",
            "fraction",
        )
    ]
)
"""Columns of an exported table that stand for the epochs of its runs."""


def add_early_errors(runs: pa.Table, workspace: Workspace) -> pa.Table:
    """Add the columns of ``EARLY_ERRORS``, which are null for runs without epochs.

    Args:
        runs: rows of the store's table ``runs``, with ``id`` and ``epochs``.
        workspace: stores that hold the runs.
    """
    from scaling.fit.diagnosis.convergence import early_errors

    (field,) = EARLY_ERRORS
    errors = early_errors(runs, _load_compared_epochs(runs, workspace))
    return runs.append_column(field, pa.array(errors, from_pandas=True))


def find_unfinished_training(
    workspace: Workspace | None, table: pa.Table, *, x: str, by: Sequence[str]
) -> dict[tuple[str, ...], str]:
    """Return warnings for each curve with sizes whose error still falls when training ends.

    Args:
        workspace: as ``resolve_store`` returns it; None for an external table, which may have the columns of
            ``EARLY_ERRORS``.
        table: runs.
        x: column of sizes.
        by: columns whose values, together, name a curve.
    """
    from scaling.fit.diagnosis.convergence import check_convergence, check_early_errors

    if workspace is None:
        return check_early_errors(table, x=x, by=by)
    return check_convergence(table, _load_compared_epochs(table, workspace), x=x, by=by)


def _load_compared_epochs(runs: pa.Table, workspace: Workspace) -> pa.Table:
    from scaling.fit.diagnosis.convergence import epochs_to_compare

    columns, at = ("id", "epoch", "test_error"), epochs_to_compare(runs)
    return workspace.stores().epochs(runs["id"].to_pylist(), columns=columns, at=at)
