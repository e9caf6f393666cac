"""``scaling export`` and ``scaling run --track``: copies follow the store, and failures reach no run."""

from __future__ import annotations

import pytest

from tests.cli.commands import PILOTS
from tests.tracking.test_tracking import install_stand_in, read_events

TENSORBOARD = "artifacts/tiny/tensorboard"


def test_finished_runs_are_copied_once(scaling, study, store, tmp_path):
    words = ("export", study, "--to", "tensorboard", "--store", store)
    view = f"tensorboard --logdir {tmp_path / TENSORBOARD}"
    for copied in ("10 runs copied", "0 runs copied, 10 were there"):
        result = scaling(*words)
        assert (result.code, result.out, result.err) == (0, f"tensorboard: {copied}; {view}\n", "")
    folders = sorted(path.name for path in (tmp_path / TENSORBOARD).iterdir())
    assert [name[:-10] for name in folders] == [
        f"tree3, filters {filters}, seed {seed}" for filters in (1, 2, 3, 4, 6) for seed in (0, 1)
    ]
    events = read_events(tmp_path / TENSORBOARD / folders[0])
    tags = {(value.tag, event.step) for event in events for value in event.summary.value}
    assert {("test_error", 1), ("test_error", 2), ("final/test_error", 2)} <= tags


def test_run_tracks_new_and_finished_runs(scaling, simulated_study, tmp_path):
    words = ("run", simulated_study, "--in-process", "--track", "tensorboard")
    first = scaling(*words, "--set", "seeds=2")
    assert first.code == 0
    second = scaling(*words, "--set", "seeds=3")
    (line,) = [line for line in second.out.splitlines() if line.startswith("tensorboard:")]
    folders = {path.name for path in tmp_path.glob("artifacts/*/tensorboard/*")}
    n_first = int(first.out.partition("tensorboard: ")[2].split()[0])
    assert len(folders) == n_first * 3 // 2
    assert f"{n_first // 2} runs copied, {n_first} were there" in line


def test_pilot_runs_are_not_tracked(scaling, study, tmp_path):
    result = scaling(
        "run",
        study,
        "--in-process",
        "--track",
        "tensorboard",
        *PILOTS,
        "--set",
        "architectures[0].filters=[1, 2]",
    )
    assert result.code == 0
    assert len(list((tmp_path / TENSORBOARD).iterdir())) == 4


def test_a_tracker_that_fails_stops_no_run(scaling, simulated_study, tmp_path, monkeypatch):
    install_stand_in(tmp_path, monkeypatch, "raise OSError('no network')")
    words = ("--store", tmp_path / "results", "--set", "seeds=2")
    result = scaling("run", simulated_study, "--in-process", "--track", "trackio", *words)
    assert result.code == 0
    assert "missing" not in result.out
    (warning,) = [line for line in result.out.splitlines() if line.startswith("warning:")]
    assert "not copied, because the tracker failed: OSError: no network; every run is in the store" in warning
    assert (
        f"scaling export {simulated_study} --store {tmp_path / 'results'} --set seeds=2 --to trackio"
        in warning
    )
    monkeypatch.undo()
    status = scaling("run", simulated_study, "--in-process", *words)
    assert "0 runs to do" in status.out


def test_a_folder_that_cannot_be_made_is_named(scaling, study, store, tmp_path):
    (tmp_path / "artifacts").write_text("no folder")
    result = scaling("export", study, "--to", "tensorboard", "--store", store)
    assert (result.code, result.err) == (1, "")
    (line,) = result.out.splitlines()  # nothing was copied, so there is nothing to view, and no log
    assert line.startswith(
        "warning: tensorboard: 10 runs not copied, because the tracker failed: its process"
    )
    assert "artifacts/tiny/logs" in line
    assert "log: " not in line


@pytest.mark.parametrize("command", [("run", "--in-process", "--track"), ("export", "--to")])
def test_a_missing_package_is_said_before_training(scaling, study, tmp_path, monkeypatch, command):
    monkeypatch.setattr("scaling.tracking.trackers.find_spec", lambda package: None)
    name, *options = command
    result = scaling(name, study, *options, "wandb")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(
        f"{options[-1]} wandb: needs the package wandb; install it with: pip install"
    )
    assert not (tmp_path / "artifacts").exists()
