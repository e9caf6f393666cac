"""Nothing planted: packs are trained, published, read again."""

from __future__ import annotations

from safetensors.torch import load

from scaling.store import open_store
from scaling.sweep.in_process import InProcessExecutor
from tests.sweep.planted_training import SET, ids, packs, work


def test_a_sweep_in_this_process_leaves_whole_rows(tmp_path):
    mine, news = packs(1, 2), []
    InProcessExecutor(work(tmp_path, weights=True)).run(mine, news.append)
    assert not any(item.failure for item in news)
    store = open_store(tmp_path / "store")
    runs = store.runs()
    assert set(runs["id"].to_pylist()) == ids(mine)
    assert sorted(runs["filters"].to_pylist()) == [1, 1, 2, 2]
    assert len(store.epochs()) == 3 * 4
    assert len(store.predictions(ids(mine))) == 4
    assert len(store.labels(SET.info(tmp_path).fingerprint)) == 50
    for pack in mine:
        for run in pack.runs:
            weights = load(store.weights(run.id))
            assert sum(weight.numel() for weight in weights.values()) == pack.layer_table.parameters
    assert store.backend.list_names("checkpoints") == []
