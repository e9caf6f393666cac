"""Stores of results: Parquet files in a folder or an object store. A run is published once, as a whole."""

from __future__ import annotations

from scaling.store.access_check import check_writable, probe_is_visible, write_probe
from scaling.store.checkpoint_files import Checkpoints
from scaling.store.claims import Claim, Claims
from scaling.store.provenance import Provenance, collect_provenance
from scaling.store.reader import Reader, StoredLogits
from scaling.store.schema import EPOCHS_SCHEMA, PREDICTIONS_SCHEMA, RUNS_SCHEMA, SCHEMAS, TEST_SETS_SCHEMA
from scaling.store.store import Store, StoreUnion, open_store

__all__ = [
    "EPOCHS_SCHEMA",
    "PREDICTIONS_SCHEMA",
    "RUNS_SCHEMA",
    "SCHEMAS",
    "TEST_SETS_SCHEMA",
    "Checkpoints",
    "Claim",
    "Claims",
    "Provenance",
    "Reader",
    "Store",
    "StoreUnion",
    "StoredLogits",
    "check_writable",
    "collect_provenance",
    "open_store",
    "probe_is_visible",
    "write_probe",
]
