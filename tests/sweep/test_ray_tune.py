"""The real thing, once: Ray starts, two workers train, and every run is in the store. And what doesn't need it to start."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest
from ray import cloudpickle

from scaling.data import load
from scaling.datasets import Synthetic
from scaling.errors import UsageError
from scaling.store import open_store
from scaling.sweep.executor import PackEvent
from scaling.sweep.ray_tune import RayTuneExecutor, trial_capacity
from scaling.sweep.worker_config import WorkerConfig
from tests.sweep.planted_training import SET, ids, packs, work

POISON = Synthetic(size=120, test_size=50, side=10)


def test_two_workers_of_ray_train_and_publish_everything(tmp_path):
    mine, news = packs(1, 2, 3), []
    executor = RayTuneExecutor(work(tmp_path), {SET: load(SET, folder=tmp_path)}, workers=2)
    executor.run(mine, news.append)
    store = open_store(tmp_path / "store")
    assert store.ids() == ids(mine)
    assert {item.key for item in news if item.epoch == 3} == {pack.key for pack in mine}
    assert not any(item.failure for item in news)
    assert sum(item.published for item in news) == 6
    assert store.runs(["threads"])["threads"].to_pylist() == [1] * 6


def test_an_address_where_nobody_listens_is_refused_at_once(tmp_path):
    executor = RayTuneExecutor(work(tmp_path), {}, workers=1, address="127.0.0.1:1")
    with pytest.raises(
        UsageError,
        match=r"--address 127\.0\.0\.1:1: no Ray cluster answers .*start one with: ray start --head",
    ):
        executor.run(packs(1), print)


def test_gpus_that_ray_has_not_are_refused_before_it_would_wait_for_them(tmp_path):
    executor = RayTuneExecutor(work(tmp_path), {}, workers=1, gpus=0.25)
    with pytest.raises(
        UsageError,
        match=r"^resources\.gpus: 0\.25: no machine has so many .* Ray has 0 GPUs and 1 cores: set it to 0",
    ):
        executor.run(packs(1), print)


@pytest.mark.parametrize(
    ("node", "gpus", "trials"),
    [
        ({"CPU": 4.0}, 0.0, 4),
        ({"CPU": 0.0}, 0.0, 0),
        ({}, 0.0, 0),
        ({"CPU": 8.0, "GPU": 1.0}, 0.25, 4),
        ({"CPU": 2.0, "GPU": 1.0}, 0.25, 2),
        ({"CPU": 8.0, "GPU": 2.0}, 0.4, 4),  # two on each: no trial lies across two
        ({"CPU": 8.0, "GPU": 3.0}, 2.0, 1),
        ({"CPU": 8.0}, 0.25, 0),
    ],
)
def test_trials_that_fit_on_a_node(node, gpus, trials):
    assert trial_capacity(node, gpus) == trials


def test_nothing_to_do_starts_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("ray.init", None)
    news: list[PackEvent] = []
    RayTuneExecutor(work(tmp_path), {}, workers=1).run([], news.append)
    assert not news


class Deadly(WorkerConfig):
    """Data of one kind kills whoever reads it."""

    def load_dataset(self, dataset, info):
        if dataset == POISON:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().load_dataset(dataset, info)


def test_a_pack_that_kills_its_workers_is_named_and_the_rest_of_its_batch_goes_on(tmp_path):
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # a worker can't import a file of tests
    fatal, mine, news = packs(1, of=POISON), packs(1, 2, 3), []
    executor = RayTuneExecutor(Deadly(**vars(work(tmp_path, lease_s=1.0))), {}, workers=1)
    executor.run(fatal + mine, news.append)
    assert open_store(tmp_path / "store").ids() == ids(mine)
    (failure,) = (item for item in news if item.failure)
    assert (failure.key, failure.failure) == (fatal[0].key, "its worker failed twice")
    assert "worker: tree3 1 seeds 0-1" in Path(failure.log).read_text()
