"""The executor on Ray: Ray starts, workers train, and every run is in the store.

A sweep of two workers is in tests/test_new_architecture.py.
"""

from __future__ import annotations

import errno
import importlib
import os
import shutil
import signal
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
from ray import cloudpickle
from ray.tune import TuneError

from scaling.architectures import unregister
from scaling.config.pruning import Pruning
from scaling.datasets import Synthetic
from scaling.errors import SweepError, UsageError
from scaling.interruption import Interrupted, deferred, handled_signals
from scaling.plan import Pack
from scaling.store import open_store
from scaling.sweep.attempts import PackRecord
from scaling.sweep.executor import PackEvent
from scaling.sweep.in_process import InProcessExecutor
from scaling.sweep.ray_cluster import memory_request
from scaling.sweep.ray_trial import SweepTrial
from scaling.sweep.ray_tune import RayTuneExecutor, _ProgressCallback
from tests.sweep.planted_training import RECIPE, ids, packs, worker_config

LETHAL_DATASET = Synthetic(size=120, test_size=50, side=10)


def test_address_without_a_cluster_is_refused_before_ray_tries(tmp_path):
    executor = RayTuneExecutor(worker_config(tmp_path), {}, workers=1, address="127.0.0.1:1")
    with pytest.raises(UsageError, match=r"^address: 127\.0\.0\.1:1: no Ray cluster answers"):
        executor.run(packs(1), print)


def test_missing_gpus_are_refused_before_ray_waits_for_them(tmp_path, monkeypatch):
    for name in ("init", "shutdown"):
        monkeypatch.setattr(f"ray.{name}", lambda **options: None)
    node = {"Alive": True, "NodeID": "a", "NodeManagerAddress": "::1", "Resources": {"CPU": 1.0}}
    monkeypatch.setattr("ray.nodes", lambda: [node])
    executor = RayTuneExecutor(worker_config(tmp_path), {}, workers=1, gpus=0.25)
    with pytest.raises(
        UsageError,
        match=r"^resources\.gpus: no node has 0\.25 free GPUs .*Ray has 0 GPUs and 1 cores in all\); set",
    ):
        executor.run(packs(1), print)


def test_trial_on_a_cluster_requests_the_memory_of_its_largest_pack(tmp_path):
    small, large = packs(1, 2)
    config = {"packs": [small.key, large.key]}
    for address, memory in ((None, {}), ("head:6379", {"memory": memory_request(large)})):
        executor = RayTuneExecutor(worker_config(tmp_path), {}, workers=1, gpus=0.25, address=address)
        (bundle,) = executor._resources([small, large])(config).bundles
        assert bundle == {"CPU": 1.0, "GPU": 0.25} | memory


def test_sweep_without_packs_does_not_start_ray(tmp_path, monkeypatch):
    monkeypatch.setattr("ray.init", None)
    events: list[PackEvent] = []
    RayTuneExecutor(worker_config(tmp_path), {}, workers=1).run([], events.append)
    assert not events


def test_sweeps_of_a_session_share_one_start_of_ray(tmp_path, monkeypatch):
    """A sweep with memory for fewer workers runs fewer trials at once; files of both are kept apart."""
    starts, sweeps = [], []

    @contextmanager
    def session(address, workers):
        starts.append(workers)
        yield tmp_path

    node = SimpleNamespace(cpus=2.0, gpus=0.0)
    monkeypatch.setattr("scaling.sweep.ray_tune.ray_session", session)
    monkeypatch.setattr("scaling.sweep.ray_tune.live_nodes", lambda: [node])
    monkeypatch.setattr("scaling.sweep.ray_tune.cluster_capacity", lambda nodes, gpus: 2)
    monkeypatch.setattr(
        RayTuneExecutor,
        "_run_trials",
        lambda self, packs, config, on_progress, **options: sweeps.append(options),
    )
    executor = RayTuneExecutor(worker_config(tmp_path), {}, workers=2)
    with executor.session():
        executor.run(packs(1), print, workers=1)
        executor.run(packs(2), print, workers=2)
    assert starts == [2]
    first, second = (sweep.pop("folder") for sweep in sweeps)
    assert first != second
    assert first.parent == second.parent == tmp_path
    assert sweeps == [{"workers": 1, "limit": 1}, {"workers": 2, "limit": None}]


@pytest.mark.parametrize("is_deleted", [True, False])
def test_deleted_or_full_folder_of_temporary_files_ends_the_sweep_with_a_message(
    tmp_path, monkeypatch, is_deleted
):
    """Tune raises an error whose text is a traceback."""
    folder = tmp_path / "scaling-12345678"
    folder.mkdir()

    def fail(_):
        lines = ["Traceback (most recent call last):", "  File ...", f"OSError: No space left: '{folder}/x'"]
        if is_deleted:
            shutil.rmtree(folder)
            lines[-1] = "FileNotFoundError: [Errno 2] No such file or directory"
        raise TuneError("\n".join(lines) + "\n")

    monkeypatch.setattr("ray.tune.Tuner.fit", fail)
    executor = RayTuneExecutor(worker_config(tmp_path), {}, workers=1)
    with pytest.raises(
        SweepError, match=r"/scaling-12345678: .*\((File|OS).*\); every finished run"
    ) as caught:
        executor._run_trials(packs(1), executor.config, print, workers=1, folder=folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("step", ["__init__", "fit"])
def test_full_disk_that_arrow_names_without_a_file_ends_the_sweep_with_a_message(
    tmp_path, monkeypatch, step, number
):
    error = OSError(number, "Error writing bytes to file")
    monkeypatch.setattr("ray.tune.Tuner.__init__", lambda *_, **__: None)
    monkeypatch.setattr(f"ray.tune.Tuner.{step}", Mock(side_effect=error))
    executor = RayTuneExecutor(worker_config(tmp_path), {}, workers=1)
    with pytest.raises(SweepError, match=r"cannot be written \(.*Error writing bytes to file\); .* TMPDIR"):
        executor._run_trials(packs(1), executor.config, print, workers=1, folder=tmp_path)


def test_other_errors_of_tune_are_not_hidden(tmp_path, monkeypatch):
    monkeypatch.setattr("ray.tune.Tuner.fit", Mock(side_effect=TuneError("a fault of Tune")))
    executor = RayTuneExecutor(worker_config(tmp_path), {}, workers=1)
    with pytest.raises(TuneError, match=r"^a fault of Tune$"):
        executor._run_trials(packs(1), executor.config, print, workers=1, folder=tmp_path)


def test_interruption_stops_the_workers_of_all_trials_and_then_ends_tune(monkeypatch):
    stopped: list[int] = []
    monkeypatch.setattr(
        "scaling.sweep.ray_tune.stop_workers",
        lambda workers, timeout_s: stopped.extend(worker.pid for worker in workers),
    )
    callback = _ProgressCallback(PackRecord({}, print))
    trials = [SimpleNamespace(trial_id=str(number)) for number in range(3)]
    for pid, trial in enumerate(trials):
        callback.on_trial_result(0, trials, trial, {"accuracy": -1.0, "node_id": "a", "pid": pid})
    callback.on_trial_complete(0, trials, trials[1])
    with handled_signals(), deferred():
        callback.on_step_begin(0, trials)
        signal.raise_signal(signal.SIGTERM)
        assert stopped == []
        with pytest.raises(Interrupted):
            callback.on_step_begin(0, trials)
    assert stopped == [0, 2]


class LethalTrial(SweepTrial):
    """Trial whose worker dies if its first pack is lethal, before it imports torch, which takes seconds."""

    def _work(self) -> None:
        if self.packs[self.keys[0]].cell.dataset == LETHAL_DATASET:
            os.kill(os.getpid(), signal.SIGKILL)
        super()._work()


def prune_pack(pack: Pack, parameters_left: int) -> Pack:
    """Return the first round of a pruning of a pack's runs."""
    pruning = Pruning(method="saliency", sizes=(parameters_left,), recipe=pack.cell.recipe)
    return replace(pack, runs=tuple(run.model_copy(update={"pruning": pruning}) for run in pack.runs))


def test_two_workers_survive_a_lethal_pack_and_know_an_architecture_from_outside(tmp_path, monkeypatch):
    """A pack that kills its workers is named, the rest of its trial continues, and the other trial trains.

    A specification is pickled by reference: the worker imports its module, which registers it there. A round
    of a pruning starts from weights in the store, here of the pack before it.
    """
    toys = importlib.import_module("tests.toy_architecture")
    cloudpickle.register_pickle_by_value(sys.modules[__name__])  # a worker cannot import a test file
    lethal, trees = packs(1, dataset=LETHAL_DATASET), packs(1, 2)
    toy = packs(1, architecture=toys.Toy)
    trained = packs(3, recipe=RECIPE.model_copy(update={"loss": "mse"}))
    pruned = tuple(prune_pack(pack, 50) for pack in trained)
    trials = [(*lethal, trees[1]), (trees[0], *toy, *trained, *pruned)]
    monkeypatch.setattr("scaling.sweep.ray_tune.make_trials", lambda packs, workers: trials)
    monkeypatch.setattr("scaling.sweep.ray_tune.SweepTrial", LethalTrial)
    wanted = trees + toy + trained + pruned
    events: list[PackEvent] = []
    try:
        RayTuneExecutor(worker_config(tmp_path, weights=True), {}, workers=2).run(
            lethal + wanted, events.append
        )
        store = open_store(tmp_path / "store")
        assert store.ids() == ids(wanted)
        assert sorted(store.runs()["architecture"].to_pylist()) == ["toy"] * 2 + ["tree3"] * 8
    finally:
        unregister(toys.Toy)
        del sys.modules["tests.toy_architecture"]
    assert store.runs()["threads"].to_pylist() == [1] * 10
    InProcessExecutor(worker_config(tmp_path, store=str(tmp_path / "alone"))).run(trees, lambda event: None)
    alone = open_store(tmp_path / "alone")
    assert alone.predictions(ids(trees)).equals(store.predictions(ids(trees)))
    assert sorted(filter(None, store.runs()["parameters_left"].to_pylist())) == [50, 50]
    assert {event.key for event in events if event.epoch == 3} == {pack.key for pack in wanted}
    assert sum(event.published for event in events) == 10
    (failure,) = (event for event in events if event.failure)
    assert (failure.key, failure.failure) == (lethal[0].key, "its worker failed twice")
    assert "worker: tree3 1 seeds 0-1" in Path(failure.log).read_text()
