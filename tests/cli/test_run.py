"""Tests of ``scaling run``."""

from __future__ import annotations

import shutil
import signal
from collections import Counter
from importlib import import_module
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from scaling.datasets import NpzDataset
from scaling.store import Checkpoints, Claims, open_store
from scaling.sweep import progress, worker
from scaling.sweep import worker as sweep
from scaling.sweep.progress import ProgressDisplay
from scaling.temporary_folder import _LOCK, _MARK
from scaling.train.module import PackModule
from tests.api.simulated_training import TWO, SimulatedTraining
from tests.cli.commands import PILOTS, plan_json

SPLITS = ("train", "test")


def test_a_second_run_trains_nothing(scaling, study, tmp_path):
    store = tmp_path / "new"
    words = ("run", study, "--in-process", "--store", store, "--set", "architectures[0].filters=[1,2]")
    first = scaling(*words)
    assert first.code == 0
    assert "tiny: 4 runs trained" in first.out
    assert first.err.startswith("training: 4 runs in 2 packs, about ")
    assert first.err.count("\n") == 1  # no live table in a pipe
    report = f"next: scaling report {study} --store {store} --set 'architectures[0].filters=[1,2]'\n"
    assert first.out.endswith(report)
    assert open_store(store).runs()["filters"].to_pylist().count(2) == 2
    again = scaling(*words)
    assert (again.code, again.out) == (0, f"tiny: 0 runs to do, 4 done\n{report}")


def test_run_uses_the_store_of_the_environment(scaling, study, store, monkeypatch):
    monkeypatch.setenv("SCALING_STORE", str(store))
    assert scaling("run", study).out.startswith("tiny: 0 runs to do, 10 done\n")


def test_a_wider_grid_trains_only_the_new_runs(scaling, study, store):
    before = open_store(store).ids()
    wider = (study, "--store", store, "--set", "architectures[0].filters=[2,3,5]", "--set", "seeds=3")
    new = {run["id"] for run in plan_json(scaling, *wider)["runs"] if not run["done"]}
    assert {run["id"] for run in plan_json(scaling, *wider)["runs"]} - before == new
    assert len(new) == 2 * 1 + 3
    result = scaling("run", *wider, "--in-process")
    assert result.code == 0
    assert "5 runs trained" in result.out
    assert "4 were done before" in result.out
    assert open_store(store).ids() == before | new


def test_runs_of_another_store_count_as_done(scaling, study, store, tmp_path):
    made = plan_json(scaling, study, "--store", tmp_path / "new", "--also", store)
    assert (made["done"], made["new"]) == (10, 0)
    result = scaling("run", study, "--store", tmp_path / "new", "--also", store)
    assert result.out.startswith("tiny: 0 runs to do, 10 done\n")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("is_writable", [True, False])
def test_every_run_removes_what_killed_processes_left(
    scaling, study, store, tmp_path, monkeypatch, is_writable
):
    """A store that cannot be written keeps its files, and the command still answers."""
    own = tmp_path / "own"
    shutil.copytree(store, own)
    temporary = own / "runs" / f".{'0' * 32}"
    temporary.write_bytes(b"half a fi")
    monkeypatch.setattr(import_module("scaling.store.sweep"), "MIN_AGE_S", -60.0)
    abandoned = tmp_path / "scaling-12345678"
    abandoned.mkdir()
    (abandoned / _LOCK).write_text(_MARK)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    if not is_writable:
        monkeypatch.setattr("scaling.store.folder.make_folder", Mock(side_effect=PermissionError(13, "no")))
    assert scaling("run", study, "--store", own).out.startswith("tiny: 0 runs to do, 10 done\n")
    assert not abandoned.exists()
    assert temporary.exists() == (not is_writable)


def test_a_failed_pack_is_named_with_its_log_and_trained_by_the_next_run(
    scaling, study, tmp_path, monkeypatch
):
    words = (
        "run",
        study,
        "--in-process",
        "--store",
        tmp_path / "new",
        "--set",
        "architectures[0].filters=[1,2]",
    )
    train = sweep.train

    def fail(pack, *arguments, **options):
        if pack.cell.architecture.filters == 2:
            raise RuntimeError("no luck")
        return train(pack, *arguments, **options)

    monkeypatch.setattr(sweep, "train", fail)
    result = scaling(*words)
    assert result.code == 1
    assert "tiny: 2 runs trained" in result.out
    (line,) = [line for line in result.out.splitlines() if line.startswith("failed: ")]
    assert "tree3 2 seeds 0-1: RuntimeError: no luck" in line
    (log,) = (tmp_path / "artifacts" / "tiny" / "logs").iterdir()
    assert line.endswith(f"log: {log}")
    assert "no luck" in log.read_text()
    assert "2 runs missing; the same command tries them again" in result.out

    monkeypatch.setattr(sweep, "train", train)
    result = scaling(*words)
    assert result.code == 0
    assert "2 runs trained" in result.out


def test_run_names_a_new_store_and_diverged_runs(scaling, simulated_study, monkeypatch):
    monkeypatch.setattr(worker, "train", SimulatedTraining(diverges=lambda filters: filters == 2))
    words = (simulated_study, "--set", "architectures[0].filters=[1,2]", "--set", "seeds=2")
    warning = (
        "2 of 4 runs diverged: a loss or an output was not finite;"
        " try a smaller recipe.learning_rate, or learning_rate: auto\n"
    )
    result = scaling("run", *words, "--in-process")
    assert result.code == 0
    assert result.out.startswith("artifacts/store: a new store, so 4 runs to train\n")
    assert warning in result.out
    assert warning in scaling("status", *words).out
    mistyped = scaling("run", *words, "--in-process", "--store", "artefacts/store").out
    store = Path("artifacts/store").absolute()
    assert mistyped.startswith(
        f"artefacts/store: a new store, so 4 runs to train; did you mean {store}, which has runs?\n"
    )


def test_runs_on_another_content_of_the_users_file_are_named(scaling, simulated_study):
    """One changed pixel makes all runs new; a file of another name is another data set."""
    labels = np.arange(50) % 10
    images = {f"{split}_images": np.arange(1800, dtype=np.uint8).reshape(50, 6, 6) for split in SPLITS}
    arrays = images | {f"{split}_labels": labels for split in SPLITS}
    words = (simulated_study, "--set", "dataset={type: npz, path: mine.npz}", "--set", "seeds=2")
    words += ("--set", "architectures[0].filters=[1,2]")
    np.savez("mine.npz", **arrays)
    before = NpzDataset(path="mine.npz").info(Path()).fingerprint
    assert "another content" not in scaling("run", *words, "--in-process").out
    arrays["train_images"][0, 0, 0] ^= 1
    np.savez("mine.npz", **arrays)
    np.savez("other.npz", **arrays)
    now = NpzDataset(path="mine.npz").info(Path()).fingerprint
    sentence = (
        "4 runs of this study in the store are on another content of mine (fingerprint"
        f" {before[:8]}; now {now[:8]}); to use them, put the old file back\n"
    )
    assert sentence in scaling("plan", *words).out
    assert sentence in scaling("status", *words).out
    assert "another content" not in scaling("plan", *words, "--set", "dataset.path=other.npz").out


def test_an_interruption_keeps_the_finished_runs(scaling, study, tmp_path, monkeypatch):
    store, train, asked = tmp_path / "new", sweep.train, []

    def stop(pack, *arguments, **options):
        asked.append(pack)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return train(pack, *arguments, **options)

    monkeypatch.setattr(sweep, "train", stop)
    result = scaling("run", study, "--in-process", "--store", store)
    assert result.code == 130
    assert (
        result.err.splitlines(keepends=True)[-1]
        == "interrupted; every finished run is in the store, and the same command continues from there\n"
    )
    assert open_store(store).ids() == {run.id for run in asked[0].runs}


@pytest.mark.parametrize(
    ("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_signal_in_an_epoch_keeps_everything_and_no_step_is_repeated(
    scaling, study, tmp_path, monkeypatch, signum, code
):
    """Two packs of two epochs of eight steps; the signal arrives in the third step of the second pack."""
    before = signal.signal(signum, signal.default_int_handler)  # shells let jobs ignore some signals
    compute_gradients, steps = PackModule._compute_gradients, []

    def compute(module, images, labels):
        steps.append(module.pack.key)
        if len(steps) == 16 + 3:
            signal.raise_signal(signum)
        compute_gradients(module, images, labels)

    monkeypatch.setattr(PackModule, "_compute_gradients", compute)
    grid = ("--set", "architectures[0].filters=[1,2]")
    words = ("run", study, "--in-process", "--store", tmp_path / "new", *grid)
    result = scaling(*words)
    signal.signal(signum, before)
    assert (result.code, result.out) == (code, f"{tmp_path / 'new'}: a new store, so 4 runs to train\n")
    assert result.err.endswith(
        "\ninterrupted; every finished run is in the store, and the same command continues from there\n"
    )
    store = open_store(tmp_path / "new")
    assert len(store.ids()) == 2
    assert len(Checkpoints(store, steps[-1]).names()) == 1
    assert Claims(store, owner="next", lease_s=1e6).try_acquire(steps[-1]).generation == 2
    (tmp_path / "new" / "claims" / steps[-1] / "claim.2").unlink()
    assert scaling(*words).code == 0
    assert list(Counter(steps).values()) == [16, 16]
    assert len(store.ids()) == 4


def test_run_trains_pilots_and_then_the_runs_with_the_chosen_rates(scaling, study, tmp_path):
    words = (study, "--store", tmp_path / "new", *PILOTS, "--set", "architectures[0].filters=[1,2]")
    result = scaling("run", *words, "--in-process")
    assert result.code == 0
    pilots, finals = result.err.splitlines()
    assert pilots.startswith("pilots, 1 of 2: 4 runs in 2 packs, about ")
    assert finals.startswith("training, 2 of 2: 4 runs in 2 packs, about ")
    assert "tiny: 8 runs trained" in result.out
    cells = plan_json(scaling, *words)["cells"]
    chosen = {cell["filters"]: cell for cell in cells if not cell["pilots"]}
    for filters, cell in chosen.items():  # of two rates each is an edge
        (rate,) = cell["learning_rates"]
        edge = "the largest that was tried" if rate == 0.3 else "the smallest that was tried"
        assert cell["warning"] == edge
        assert f"tree3, filters {filters}: learning rate {rate:g}, {edge}" in result.out
        warning = (
            f"tree3, filters {filters}: the learning rate {rate:g} is {edge}; "
            "a better one may lie beyond: pilots.learning_rates"
        )
        assert warning in scaling("plan", *words).out
        assert warning in scaling("status", *words).out
    result = scaling("table", *words, "--out", tmp_path / "runs.csv")
    assert (
        result.out == f"{tmp_path / 'runs.csv'}: 4 runs; without 4 pilots, which chose the learning rates\n"
    )
    lines = (tmp_path / "runs.csv").read_text().splitlines()
    assert len(lines) == 1 + 4
    assert scaling("run", *words).out.startswith("tiny: 0 runs to do, 8 done\n")


@pytest.mark.simulation
def test_run_until_prints_a_line_for_each_iteration(scaling, simulated_study):
    simulated_study.write_text(TWO)
    result = scaling("run", simulated_study, "--in-process", "--until", "0.04", "--quantity", "prediction@2x")
    assert result.code == 0
    assert all(line.startswith("training: ") for line in result.err.splitlines())
    first, *iterations, last, following = result.out.splitlines()
    assert following == "next: scaling report artifacts/grown/until.yaml"
    assert first.startswith("artifacts/store: a new store, so ")
    assert [line.partition(":")[0] for line in iterations] == [
        f"iteration {nth}" for nth in range(len(iterations))
    ]
    assert "96 runs trained, 0 were done before; half width of prediction@2x: tree3 0." in iterations[0]
    assert ", lenet5 0." in iterations[0]
    assert "core time beyond the study: 0 s, as recorded" in iterations[0]
    assert (
        last == "every interval is within the target; the study with all runs is artifacts/grown/until.yaml"
    )
    assert len(iterations) > 1
    plan = plan_json(scaling, "artifacts/grown/until.yaml")
    assert plan["new"] == 0
    assert plan["done"] > 96


@pytest.mark.simulation
def test_run_until_stops_at_the_budget(scaling, simulated_study):
    result = scaling("run", simulated_study, "--in-process", "--until", "0.001", "--budget", "90s")
    assert result.code == 0
    assert result.out.splitlines()[-2].startswith(
        "no run that would help is within the budget and the memory; the study with all runs is "
    )


def test_run_until_names_failed_packs(scaling, simulated_study, monkeypatch):
    monkeypatch.setattr(
        worker,
        "train",
        SimulatedTraining(failing=lambda pack, attempt: RuntimeError("no luck") if attempt else None),
    )
    result = scaling("run", simulated_study, "--in-process", "--until", "0.02")
    assert result.code == 1
    assert "failed: tree3 1 seeds 0-7 and 5 more packs: RuntimeError: no luck; log: " in result.out
    assert "48 runs missing; the same command tries them again" in result.out


@pytest.mark.simulation
def test_watched_run_shows_the_laws_so_far(scaling, simulated_study, monkeypatch):
    """Each finished pack is a look at the laws: without a law while fewer than three widths are finished."""
    monkeypatch.setattr(ProgressDisplay, "__call__", _tick_after(ProgressDisplay.__call__))
    monkeypatch.setattr(progress, "_WATCH_RATIO", 0.0)
    result = scaling("run", simulated_study, "--in-process", "--watch")
    assert result.code == 0
    laws = [line for line in result.err.splitlines() if line.startswith("tree3: ")]
    assert laws[-1].endswith("6 widths, 48 runs")
    assert "exponent 0." in laws[-1]
    assert "[" in laws[-1]
    assert scaling("run", simulated_study, "--in-process", "--watch", "--until", "0.1").code == 2


def _tick_after(call):
    def call_and_tick(display, event):
        call(display, event)
        display.tick()

    return call_and_tick
