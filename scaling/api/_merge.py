"""Copy a study's finished runs into another store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from scaling.api._results import load_results
from scaling.api._workspace import Workspace
from scaling.store import open_store


def merge(
    config: Path,
    into: str,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    predictions: bool = False,
) -> int:
    """Copy a study's finished runs into another store, as one part, pruned networks included.

    Use this to publish runs, or to bring together what several machines trained. Weights and masks are never
    copied.

    Args:
        config: YAML file of the study.
        into: folder or URI of the other store.
        workspace: stores and folders.
        overrides: changed settings, such as ``recipe.epochs=5``.
        predictions: True to copy the predictions as well, by far the largest table.

    Returns:
        Number of runs that the other store did not have, or had without the predictions that were copied.

    Raises:
        StoreError: a store cannot be read or written.
    """
    workspace = workspace or Workspace()
    results = load_results(config, workspace, overrides=overrides)
    runs = pa.concat_tables([results.runs, results.pruned_runs])
    stores, ids = workspace.stores(), runs["id"].to_pylist()
    tables = {
        "runs": runs,
        "epochs": stores.epochs(ids),
        "test_sets": stores.test_sets(set(runs["fingerprint"].to_pylist())),
    }
    if predictions:
        tables["predictions"] = stores.predictions(ids)
    return open_store(into, option="into").publish(tables)
