"""The real thing, once: Ray starts, two workers train, and every run is in the store. And what doesn't need it to start."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from planted_training import SET, ids, packs, work
from ray import cloudpickle

from scaling.data import load
from scaling.datasets import Synthetic
from scaling.errors import UsageError
from scaling.store import open_store
from scaling.sweep.ray_tune import RayTune
from scaling.sweep.work import Work

POISON = Synthetic(size=120, test_size=50, side=10)


def test_two_workers_of_ray_train_and_publish_everything(tmp_path):
    mine, news = packs(1, 2, 3), []
    executor = RayTune(work(tmp_path), {SET: load(SET, folder=tmp_path)}, workers=2)
    executor.run(mine, news.append)
    store = open_store(tmp_path / "store")
    assert store.ids() == ids(mine)
    assert {item.key for item in news if item.epoch == 3} == {pack.key for pack in mine}
    assert not any(item.failure for item in news)
    assert store.runs(["threads"])["threads"].to_pylist() == [1] * 6


def test_an_address_where_nobody_listens_is_refused_at_once(tmp_path):
    executor = RayTune(work(tmp_path), {}, address="127.0.0.1:1")
    with pytest.raises(UsageError, match=r"--address 127\.0\.0\.1:1: no Ray cluster answers .*start one with: ray start --head"):
        executor.run(packs(1), print)


def test_nothing_to_do_starts_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("ray.init", None)
    RayTune(work(tmp_path), {}).run([], print)


class Deadly(Work):
    """Data of one kind kills whoever reads it."""

    def material(self, dataset, facts):
        if dataset == POISON:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().material(dataset, facts)


def test_a_pack_that_kills_its_workers_is_named_and_the_rest_of_its_batch_goes_on(tmp_path):
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # a worker can't import a file of tests
    fatal, mine, news = packs(1, of=POISON), packs(1, 2, 3), []
    executor = RayTune(Deadly(**vars(work(tmp_path, lease_s=1.0))), {}, workers=1)
    executor.run(fatal + mine, news.append)
    assert open_store(tmp_path / "store").ids() == ids(mine)
    (failure,) = (item for item in news if item.failure)
    assert (failure.key, failure.failure) == (fatal[0].key, "its worker failed twice")
    assert "worker: tree3 1 seeds 0-1" in Path(failure.log).read_text()
