"""Stores of results: Parquet files in a folder or an object store. A run is published once, as a whole."""

from __future__ import annotations

from scaling.store.access_check import check_writable, probe_is_visible, write_probe
from scaling.store.checkpoint_files import CheckpointError, Checkpoints
from scaling.store.claims import RENEWALS_PER_LEASE, Claim, ClaimLost, Claims
from scaling.store.compact import Compaction, compact
from scaling.store.damage import Damage, DamageCounts, count_damage, describe_damage, sum_damage
from scaling.store.provenance import Provenance, collect_provenance
from scaling.store.reader import Reader, StoredLogits
from scaling.store.repair import Repair, repair
from scaling.store.schema import EPOCHS_SCHEMA, PREDICTIONS_SCHEMA, RUNS_SCHEMA, SCHEMAS, TEST_SETS_SCHEMA
from scaling.store.similar_store import find_similar_store
from scaling.store.store import Store, StoreUnion, open_store
from scaling.store.sweep import Sweep as StoreSweep
from scaling.store.sweep import sweep
from scaling.store.verify import Verification, verify

__all__ = [
    "EPOCHS_SCHEMA",
    "PREDICTIONS_SCHEMA",
    "RENEWALS_PER_LEASE",
    "RUNS_SCHEMA",
    "SCHEMAS",
    "TEST_SETS_SCHEMA",
    "CheckpointError",
    "Checkpoints",
    "Claim",
    "ClaimLost",
    "Claims",
    "Compaction",
    "Damage",
    "DamageCounts",
    "Provenance",
    "Reader",
    "Repair",
    "Store",
    "StoreSweep",
    "StoreUnion",
    "StoredLogits",
    "Verification",
    "check_writable",
    "collect_provenance",
    "compact",
    "count_damage",
    "describe_damage",
    "find_similar_store",
    "open_store",
    "probe_is_visible",
    "repair",
    "sum_damage",
    "sweep",
    "verify",
    "write_probe",
]
