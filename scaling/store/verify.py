"""Verification of a whole store: every file is read and compared with what was published."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from hashlib import sha256

import pyarrow as pa

from scaling.store import paths
from scaling.store.claims import damaged_claims
from scaling.store.damage import Damage
from scaling.store.forecast_files import read_forecasts
from scaling.store.parts import Parts
from scaling.store.store import Store

_TABLES = ("epochs", "predictions")


@dataclass(frozen=True, kw_only=True)
class Verification:
    """Result of a verification."""

    parts: int
    """Number of parts whose runs can be read."""
    runs: int
    """Number of runs that can be read."""
    forecasts: int
    """Number of forecasts that can be read."""
    damage: tuple[Damage, ...]
    """Damaged and missing files."""


def verify(store: Store) -> Verification:
    """Read every part, table, weights file and test set of a store, the forecasts and the claims.

    Raises:
        StoreError: the store cannot be read, a file stands in the place of a folder, or a file has a newer
            schema.
    """
    for folder in paths.FOLDERS:
        store.backend.list_names(folder)
    parts = Parts(store.backend, warns=False)
    runs = parts.runs(None)
    ids = {part: frozenset(table["id"].to_pylist()) for part, table in runs.items()}
    for part, table in runs.items():
        parts.record(list(_check_runs(parts, part, table)))
    snapshot = parts.snapshot(*_TABLES)
    present = [part for part in runs if part in snapshot.index]  # a compaction may have replaced the others
    fingerprints: set[str] = set()
    for kind in _TABLES:
        for part, table in parts.tables(
            kind, [name for name in present if name in snapshot.with_table[kind]]
        ):
            if kind == "predictions":
                fingerprints |= _check_fingerprints(parts, part, runs[part], table)
    for part in present:
        _read_weights(parts, part)
    _check_test_sets(parts, fingerprints)
    forecasts = read_forecasts([parts])
    parts.record(
        [
            parts.describe(file, "claims", error.reason)
            for file, error in damaged_claims(store.backend).items()
        ]
    )
    return Verification(
        parts=len(runs),
        runs=len(frozenset().union(*ids.values())),
        forecasts=len(forecasts),
        damage=tuple(parts.damage.values()),
    )


def _check_runs(parts: Parts, part: str, runs: pa.Table) -> Iterator[Damage]:
    """Yield the first run of a part whose id is not the hash of its configuration."""
    for run_id, config in zip(runs["id"].to_pylist(), runs["config_json"].to_pylist(), strict=True):
        if not sha256(config.encode()).hexdigest().startswith(run_id):
            path, reason = paths.table_file("runs", part), "the id is not the hash of config_json"
            yield parts.describe(path, "runs", f"run {run_id}: {reason}", runs=len(runs))
            return


def _check_fingerprints(parts: Parts, part: str, runs: pa.Table, predictions: pa.Table) -> Set[str]:
    """Return the test sets of a part's predictions, after a check that they are those of its runs."""
    stored, tested = (
        dict(zip(table["id"].to_pylist(), table["fingerprint"].to_pylist(), strict=True))
        for table in (runs, predictions)
    )
    right = {run_id: fingerprint for run_id, fingerprint in tested.items() if fingerprint == stored[run_id]}
    if right != tested:
        reason = "the test set is of another data set than that of the runs"
        parts.record([parts.describe(paths.table_file("predictions", part), "predictions", reason)])
    return frozenset(right.values())


def _read_weights(parts: Parts, part: str) -> None:
    """Read the weights whose hashes a part names."""
    for file in parts.hashes(part) or {}:
        run_id = file.partition("/")[2]
        if run_id and parts.has_weights(part, run_id):
            parts.weights(part, run_id)


def _check_test_sets(parts: Parts, fingerprints: Set[str]) -> None:
    """Read all test sets, and check that there is one for each of the fingerprints."""
    stored = set(parts.names("test_sets"))
    for fingerprint in sorted(stored | fingerprints):
        path = paths.table_file("test_sets", fingerprint)
        if parts.test_set(fingerprint) is None and path not in parts.damage:
            parts.record([parts.describe(path, "test_sets", "does not exist")])
