"""Maintenance of a store: verify, repair, compact and sweep it, and merge runs into another store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from scaling.api._results import load_results
from scaling.api._workspace import Workspace
from scaling.config import StudySource
from scaling.errors import StoreError
from scaling.store import Compaction, Repair, Store, StoreSweep, StoreUnion, Verification, open_store
from scaling.store import compact as compact_store
from scaling.store import repair as repair_store
from scaling.store import sweep as sweep_store
from scaling.store import verify as verify_store


def store_verify(workspace: Workspace | None = None) -> Verification:
    """Read every file of the store, and return which of them are not as they were published.

    Args:
        workspace: names the store; other stores are left alone.

    Raises:
        StoreError: the store cannot be read, or it does not exist.
    """
    return verify_store(_open(workspace))


def store_repair(workspace: Workspace | None = None) -> Repair:
    """Move damaged parts, test sets and forecasts to the folder ``damaged`` of the store.

    The next ``run`` of a study trains their runs again, and writes its test set again.

    Args:
        workspace: names the store; other stores are left alone.

    Raises:
        StoreError: the store cannot be read or written, or it does not exist.
    """
    return repair_store(_open(workspace))


def store_compact(workspace: Workspace | None = None) -> Compaction:
    """Put many small parts of the store together into few large parts, which are read much faster.

    Other processes may read the store and publish in it meanwhile.

    Args:
        workspace: names the store; other stores are left alone.

    Raises:
        StoreError: the store cannot be read or written, or it does not exist.
    """
    return compact_store(_open(workspace))


def store_sweep(workspace: Workspace | None = None) -> StoreSweep:
    """Remove files of the store that killed processes left behind at least a day ago.

    Args:
        workspace: names the store; other stores are left alone.

    Raises:
        StoreError: the store cannot be read or written, or it does not exist.
    """
    return sweep_store(_open(workspace))


def _open(workspace: Workspace | None) -> Store:
    name = (workspace or Workspace()).store
    return _require(open_store(name), name)


def _require(store: Store, name: str) -> Store:
    """Return a store that exists."""
    if not store.exists:
        raise StoreError(f"{name}: no such store; name the folder or the URI of a store", option="store")
    return store


@dataclass(frozen=True, kw_only=True)
class Merge:
    """Result of a merge."""

    added: int
    """Number of runs that the other store did not have, or had without a table that was copied."""
    left_out: Mapping[str, int]
    """For each table that was to be copied, the number of runs that were left out because they lack it."""
    forecasts: int
    """Number of forecasts of the study that the other store did not have."""


def store_merge(
    config: StudySource,
    into: str,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    predictions: bool = False,
) -> Merge:
    """Copy a study's finished runs and forecasts into another store, pruned networks included.

    The runs become one part. Use this to publish runs, or to bring together what several machines trained.
    Weights and masks are never copied. A run whose epochs or predictions are damaged or missing is left out,
    so that every copied run is whole.

    Args:
        config: YAML file of the study, or its settings.
        into: folder or URI of the other store.
        workspace: stores and folders.
        overrides: changed settings, such as ``recipe.epochs=5``.
        predictions: True to copy the predictions as well, by far the largest table.

    Raises:
        StoreError: a store cannot be read or written, or the store does not exist.
    """
    workspace = workspace or Workspace()
    if into.startswith("memory://"):
        raise StoreError(
            f"{into}: is lost when this process ends; name a folder or the URI of an object store",
            option="into",
        )
    stores = workspace.stores()
    _require(stores.first, workspace.store)
    results = load_results(config, workspace, overrides=overrides)
    runs = pa.concat_tables([results.runs, results.pruned_runs])
    ids = runs["id"].to_pylist()
    further = {"epochs": stores.epochs(ids)}
    if predictions:
        further["predictions"] = stores.predictions(ids)
    stored = {kind: frozenset(table["id"].to_pylist()) for kind, table in further.items()}
    whole = pa.array(sorted(set(ids).intersection(*stored.values())), pa.string())
    tables = {
        kind: table.filter(pc.is_in(table["id"], whole)) for kind, table in {"runs": runs, **further}.items()
    }
    tables["test_sets"] = stores.test_sets(set(tables["runs"]["fingerprint"].to_pylist()))
    target = open_store(into, option="into")
    forecasts = _new_forecasts(stores, target, study=results.plan.study.name)
    added = target.publish(tables)
    for content in forecasts:
        target.put_forecast(content)
    return Merge(
        added=added,
        left_out={kind: len(lacking) for kind in stored if (lacking := set(ids) - stored[kind])},
        forecasts=len(forecasts),
    )


def _new_forecasts(stores: StoreUnion, target: Store, *, study: str) -> list[bytes]:
    """Return the forecasts of a study that another store does not have.

    Raises:
        StoreError: this version cannot read a forecast.
    """
    from scaling.plan.forecast import decode_forecasts

    contents = stores.forecasts()
    new = decode_forecasts(contents, study).keys() - target.forecasts().keys()
    return [contents[name] for name in new]
