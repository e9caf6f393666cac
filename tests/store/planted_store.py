"""Result tables with planted numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count

import numpy as np
import pyarrow as pa

from scaling.store import EPOCHS_SCHEMA, PREDICTIONS_SCHEMA, RUNS_SCHEMA, TEST_SETS_SCHEMA
from scaling.store.schema import ADDED_COLUMNS

CLASSES, IMAGES, FINGERPRINT = 10, 50, "f" * 64
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)

_PLANTED_VALUES = {pa.string(): "{}", pa.int64(): 1, pa.float64(): 0.5, pa.bool_(): False}
PLANTED_RUN = {
    field.name: _PLANTED_VALUES[field.type]
    for field in RUNS_SCHEMA
    if field.type in _PLANTED_VALUES and field.name not in ADDED_COLUMNS["runs"]
}
"""A value in each column that the first version had, except the time."""


def _config_json(run_id: str) -> str:
    """Return JSON that begins with a short hexadecimal id as its hash; any JSON for another id."""
    if len(run_id) > 2 or set(run_id) - set("0123456789abcdef"):
        return "{}"
    candidates = (json.dumps({"n": number}) for number in count())
    return next(text for text in candidates if sha256(text.encode()).hexdigest().startswith(run_id))


def plant(ids: Sequence[str], *, draw: int = 0, second: float = 0) -> dict[str, pa.Table]:
    """Return all tables of some runs.

    Args:
        ids: ids of the runs.
        draw: seed of the numbers.
        second: time of creation, in seconds after ``BEGIN``.
    """
    rng = np.random.default_rng(draw)
    logits = rng.normal(0, 5, (len(ids), IMAGES * CLASSES)).astype(np.float16)
    labels = rng.integers(0, CLASSES, IMAGES).astype(np.uint8)
    created_at = BEGIN + timedelta(seconds=second)
    runs = [
        PLANTED_RUN
        | {
            "id": run_id,
            "config_json": _config_json(run_id),
            "fingerprint": FINGERPRINT,
            "seed": seed,
            "filters": 6,
            "test_error": rng.random(),
            "diverged": False,
            "created_at": created_at,
        }
        for seed, run_id in enumerate(ids)
    ]
    epochs = [
        {"id": run_id, "epoch": epoch, "train_loss": rng.random(), "learning_rate": 0.1, "wall_s": 1.0}
        for run_id in ids
        for epoch in (1, 2, 3)
    ]
    return {
        "runs": pa.Table.from_pylist(runs, schema=RUNS_SCHEMA),
        "epochs": pa.Table.from_pylist(epochs, schema=EPOCHS_SCHEMA),
        "predictions": pa.table(
            [list(ids), [FINGERPRINT] * len(ids), [CLASSES] * len(ids), list(logits)],
            schema=PREDICTIONS_SCHEMA,
        ),
        "test_sets": pa.table([[FINGERPRINT], ["planted"], [labels]], schema=TEST_SETS_SCHEMA),
    }
