"""The real thing, once: Ray starts, two workers train, and every run is in the store."""

from __future__ import annotations

import pytest
from planted_training import SET, ids, packs, work

from scaling.data import load
from scaling.store import open_store
from scaling.sweep.ray_tune import RayTune


def test_two_workers_of_ray_train_and_publish_everything(tmp_path):
    mine, news = packs(1, 2, 3), []
    executor = RayTune(work(tmp_path), {SET: load(SET, folder=tmp_path)}, workers=2)
    executor.run([(pack,) for pack in mine], news.append)
    store = open_store(tmp_path / "store")
    assert store.ids() == ids(mine)
    assert {item.key for item in news if item.epoch == 3} == {pack.key for pack in mine}
    assert not any(item.failure for item in news)
    assert store.runs(["threads"])["threads"].to_pylist() == [1] * 6
