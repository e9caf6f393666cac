"""Where results live: a folder or an object store with Parquet inside. Each run is published once, whole or not at all."""

from __future__ import annotations

from scaling.store.access_check import probe, seen, writable
from scaling.store.checkpoints import Checkpoints
from scaling.store.claims import Claim, Claims
from scaling.store.provenance import provenance
from scaling.store.reader import Reader
from scaling.store.schema import EPOCHS, PREDICTIONS, RUNS, TABLES, TEST_SETS
from scaling.store.store import Store, Stores, open_store

__all__ = [
    "EPOCHS",
    "PREDICTIONS",
    "RUNS",
    "TABLES",
    "TEST_SETS",
    "Checkpoints",
    "Claim",
    "Claims",
    "Reader",
    "Store",
    "Stores",
    "open_store",
    "probe",
    "provenance",
    "seen",
    "writable",
]
