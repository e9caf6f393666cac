"""The executor in this process, with real training: packs are trained, published and read again."""

from __future__ import annotations

from safetensors.torch import load

from scaling.store import open_store
from scaling.sweep.executor import PackEvent
from scaling.sweep.in_process import InProcessExecutor
from tests.sweep.planted_training import DATASET, ids, packs, worker_config


def test_sweep_in_this_process_publishes_complete_rows(tmp_path):
    wanted = packs(1, 2)
    events: list[PackEvent] = []
    InProcessExecutor(worker_config(tmp_path, weights=True)).run(wanted, events.append)
    assert not any(event.failure for event in events)
    store = open_store(tmp_path / "store")
    runs = store.runs()
    assert set(runs["id"].to_pylist()) == ids(wanted)
    assert sorted(runs["filters"].to_pylist()) == [1, 1, 2, 2]
    assert len(store.epochs()) == 3 * 4
    assert len(store.predictions(ids(wanted))) == 4
    assert len(store.labels(DATASET.info(tmp_path).fingerprint)) == 50
    for pack in wanted:
        for run in pack.runs:
            weights = load(store.weights(run.id))
            assert sum(weight.numel() for weight in weights.values()) == pack.layer_table.parameters
    assert store.backend.list_names("checkpoints") == []
