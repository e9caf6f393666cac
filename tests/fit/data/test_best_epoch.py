"""Test errors at the best validation epoch, against a plain loop."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from scaling.fit.data.best_epoch import BEST_EPOCH_COLUMN, add_best_epoch, has_validation


def test_the_error_is_that_of_the_first_epoch_with_the_highest_validation_accuracy():
    rng = np.random.default_rng(0)
    ids = ["c", "a", "b", "without"]
    rows = [
        {
            "id": run_id,
            "epoch": epoch,
            "val_accuracy": None if run_id == "without" else float(rng.integers(5)),
            "test_error": float(rng.random()),
        }
        for run_id in (*ids, "of another study")
        for epoch in range(1, 9)
    ]
    runs = pa.table({"id": ids, "val_error": [0.1, 0.1, 0.1, None]})
    epochs = pa.Table.from_pylist([rows[row] for row in rng.permutation(len(rows))])
    expected = []
    for run_id in ids[:3]:
        best = None
        for row in rows:
            if row["id"] == run_id and (best is None or row["val_accuracy"] > best["val_accuracy"]):
                best = row
        expected.append(best["test_error"])
    assert add_best_epoch(runs, epochs)[BEST_EPOCH_COLUMN].to_pylist() == [*expected, None]


def test_runs_without_validation_stay_as_they_are():
    runs = pa.table({"id": ["a"], "val_error": pa.array([None], pa.float64())})
    epochs = pa.table(
        {
            "id": ["a"],
            "epoch": [1],
            "val_accuracy": pa.array([None], pa.float64()),
            "test_error": [0.1],
        }
    )
    assert not has_validation(runs)
    assert not has_validation(runs.drop_columns("val_error"))
    assert add_best_epoch(runs, epochs).equals(runs)
