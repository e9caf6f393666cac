"""The real thing, once: Ray starts, two workers train, and every run is in the store. And what doesn't need it to start."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from planted_training import SET, ids, packs, work

from scaling.data import load
from scaling.errors import UsageError
from scaling.store import open_store
from scaling.sweep.executor import News
from scaling.sweep.ray_tune import RayTune, _News


def test_two_workers_of_ray_train_and_publish_everything(tmp_path):
    mine, news = packs(1, 2, 3), []
    executor = RayTune(work(tmp_path), {SET: load(SET, folder=tmp_path)}, workers=2)
    executor.run([(pack,) for pack in mine], news.append)
    store = open_store(tmp_path / "store")
    assert store.ids() == ids(mine)
    assert {item.key for item in news if item.epoch == 3} == {pack.key for pack in mine}
    assert not any(item.failure for item in news)
    assert store.runs(["threads"])["threads"].to_pylist() == [1] * 6


def test_an_address_where_nobody_listens_is_refused_at_once(tmp_path):
    executor = RayTune(work(tmp_path), {}, address="127.0.0.1:1")
    with pytest.raises(UsageError, match=r"--address 127\.0\.0\.1:1: no Ray cluster answers .*start one with: ray start --head"):
        executor.run([packs(1)], print)


def test_nothing_to_do_starts_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("ray.init", None)
    RayTune(work(tmp_path), {}).run([], print)


def test_the_packs_of_a_worker_that_died_are_named(tmp_path):
    news: list[News] = []
    trial = SimpleNamespace(config={"packs": ["a", "b"]}, error_file="error.txt")
    _News(news.append).on_trial_error(0, [trial], trial)
    assert news == [News(key=key, epoch=0, failure="its worker died", log="error.txt") for key in "ab"]
