"""Copies of runs in trackers: what is written, and what becomes of failures.

The real clients are tried where they are installed; TensorBoard's comes with Ray.
"""

from __future__ import annotations

import sqlite3
import struct
import sys
from pathlib import Path

import pytest
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.plugin_hparams_pb2 import HParamsPluginData

from scaling.errors import UsageError
from scaling.tracking import (
    Destination,
    TrackedEpoch,
    TrackedRun,
    TrackerError,
    TrackerProcess,
    check_tracker,
    process,
)
from scaling.tracking.trackers import TRACKERS

RUN = TrackedRun(
    id="0123456789abcdef0123",
    label="lenet5, 1/2 epochs, seed 0",
    group="lenet5, 1/2 epochs",
    start_s=1_700_000_000.0,
    end_s=1_700_000_020.0,
    settings={"recipe.learning_rate": 0.1, "architecture.type": "lenet5", "data.labels": None, "dirty": True},
    epochs=tuple(
        TrackedEpoch(
            number=n,
            time_s=1_700_000_000.0 + 10 * n,
            metrics={"test_error": 0.5 / n, "train_loss": 1.0 / n},
        )
        for n in (1, 2)
    ),
    results={"test_error": 0.25, "diverged": 0.0},
)
OTHER = TrackedRun(**vars(RUN) | {"id": "fedcba98765432100123", "label": "lenet5, 1/2 epochs, seed 1"})


@pytest.fixture
def destination(tmp_path, monkeypatch) -> Destination:
    """Return a destination; no environment variable of a tracker holds."""
    for name in ("WANDB_DIR", "WANDB_PROJECT", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    return Destination(study="tiny", folder=tmp_path / "tiny")


def open_process(tracker: str, destination: Destination) -> TrackerProcess:
    return TrackerProcess(tracker, destination, log=destination.folder / "logs" / f"{tracker}.log")


def read_events(folder: Path) -> list[Event]:
    """Return the events of the only file in a folder: each after its length and a checksum."""
    (file,) = folder.iterdir()
    data, events = file.read_bytes(), []
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        events.append(Event.FromString(data[12 : 12 + length]))
        data = data[16 + length :]
    return events


def test_a_run_survives_the_way_to_the_process():
    assert TrackedRun.from_json(RUN.to_json()) == RUN


def test_tensorboard_gets_curves_results_and_settings_once(destination):
    writer = open_process("tensorboard", destination)
    assert [writer.write(run) for run in (RUN, OTHER, RUN)] == [True, True, False]
    writer.close()
    again = open_process("tensorboard", destination)
    assert not again.write(RUN)
    again.close()
    names = sorted(folder.name for folder in destination.tensorboard.iterdir())
    assert names == ["lenet5, 1_2 epochs, seed 0, 01234567", "lenet5, 1_2 epochs, seed 1, fedcba98"]
    events = read_events(destination.tensorboard / names[0])
    points = {
        (value.tag, event.step): (value.simple_value, event.wall_time)
        for event in events
        for value in event.summary.value
        if not value.tag.startswith("_hparams_")
    }
    assert points == {
        ("test_error", 1): (0.5, 1_700_000_010.0),
        ("test_error", 2): (0.25, 1_700_000_020.0),
        ("train_loss", 1): (1.0, 1_700_000_010.0),
        ("train_loss", 2): (0.5, 1_700_000_020.0),
        ("final/test_error", 2): (0.25, 1_700_000_020.0),
        ("final/diverged", 2): (0.0, 1_700_000_020.0),
    }
    (start,) = [
        HParamsPluginData.FromString(value.metadata.plugin_data.content).session_start_info
        for event in events
        for value in event.summary.value
        if value.tag == "_hparams_/session_start_info"
    ]
    assert start.hparams["run"].string_value == RUN.id
    assert start.hparams["recipe.learning_rate"].number_value == 0.1
    assert start.hparams["dirty"].bool_value is True
    assert "data.labels" not in start.hparams


def test_an_interrupted_copy_for_tensorboard_is_written_again(destination):
    (destination.tensorboard / f".{RUN.name.replace('/', '_')}").mkdir(parents=True)
    writer = open_process("tensorboard", destination)
    assert writer.write(RUN)
    writer.close()
    assert len(list(destination.tensorboard.iterdir())) == 1


def test_weights_and_biases_gets_a_run_with_its_id_once(destination):
    pytest.importorskip("wandb", reason="the extra wandb is not installed")
    writer = open_process("wandb", destination)
    assert [writer.write(run) for run in (RUN, OTHER, RUN)] == [True, True, False]
    writer.close()
    folders = list((destination.folder / "wandb").glob("offline-run-*"))
    assert sorted(folder.name[-20:] for folder in folders) == [RUN.id, OTHER.id]
    (folder,) = [folder for folder in folders if folder.name.endswith(RUN.id)]
    content = (folder / f"run-{RUN.id}.wandb").read_bytes()
    for text in (b"recipe.learning_rate", b"test_error", RUN.label.encode()):
        assert text in content
    (folder / "complete").unlink()  # as if the process had been killed
    again = open_process("wandb", destination)
    assert again.write(RUN)
    again.close()
    assert len(list((destination.folder / "wandb").glob(f"offline-run-*-{RUN.id}"))) == 1


def test_mlflow_gets_a_finished_run_once(destination):
    pytest.importorskip("mlflow", reason="the extra mlflow is not installed")
    pytest.importorskip("sqlalchemy", reason="MLflow's files need SQLAlchemy")
    writer = open_process("mlflow", destination)
    assert [writer.write(run) for run in (RUN, OTHER, RUN)] == [True, True, False]
    writer.close()
    with sqlite3.connect(destination.folder / "mlflow.db") as database:
        runs = database.execute(
            "SELECT name, status, start_time, end_time FROM runs ORDER BY name"
        ).fetchall()
        metrics = database.execute("SELECT DISTINCT key, step, value FROM metrics").fetchall()
        params = dict(database.execute("SELECT key, value FROM params").fetchall())
    times = (1_700_000_000_000, 1_700_000_020_000)
    assert runs == [(RUN.label, "FINISHED", *times), (OTHER.label, "FINISHED", *times)]
    assert sorted(metrics) == [
        *(("diverged", 2, 0.0), ("test_error", 1, 0.5), ("test_error", 2, 0.25)),
        *(("train_loss", 1, 1.0), ("train_loss", 2, 0.5)),
    ]
    assert params["recipe.learning_rate"] == "0.1"


def test_trackio_gets_a_run_once(destination):
    pytest.importorskip("trackio", reason="the extra trackio is not installed")
    writer = open_process("trackio", destination)
    assert [writer.write(run) for run in (RUN, OTHER, RUN)] == [True, True, False]
    writer.close()
    (file,) = Path(destination.folder.parent, "trackio").glob("*.db")
    with sqlite3.connect(file) as database:
        rows = database.execute("SELECT DISTINCT run_name FROM metrics ORDER BY run_name").fetchall()
    assert rows == [(RUN.name,), (OTHER.name,)]


STAND_IN = """\
import sys, time
print("a client prints")

class Api:
    def runs(self, project):
        raise ValueError

def init(name, **options):
    if "seed 1" in name:
        {failure}
    return Run()

class Run:
    def log(self, metrics, step):
        pass
    def finish(self):
        print(input("a client prompts")) if {prompts} else None
"""


def install_stand_in(tmp_path, monkeypatch, failure: str = "pass", *, prompts: bool = False) -> None:
    """Put a module in the place of a tracker's client."""
    folder = tmp_path / "stand_in"
    folder.mkdir()
    (folder / "trackio.py").write_text(STAND_IN.format(failure=failure, prompts=prompts))
    monkeypatch.syspath_prepend(folder)


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        ("raise OSError('no network')", "OSError: no network"),
        ("sys.exit('no login')", "SystemExit: no login"),
        ("import os; os._exit(3)", "its process has ended"),
        ("time.sleep(60)", "no answer for 2 s"),
    ],
)
def test_a_failure_of_a_client_is_one_error(destination, tmp_path, monkeypatch, failure, message):
    install_stand_in(tmp_path, monkeypatch, failure)
    writer = open_process("trackio", destination)
    assert writer.write(RUN)
    monkeypatch.setattr(process, "TIMEOUT_S", 2.0)
    with pytest.raises(TrackerError, match=message):
        writer.write(OTHER)
    writer.kill()
    assert "a client prints" in (destination.folder / "logs" / "trackio.log").read_text()


def test_a_client_that_prompts_gets_no_answer_and_reads_no_run(destination, tmp_path, monkeypatch):
    install_stand_in(tmp_path, monkeypatch, prompts=True)
    writer = open_process("trackio", destination)
    with pytest.raises(TrackerError, match="EOFError"):
        writer.write(RUN)
    writer.kill()


def test_a_client_that_cannot_be_imported_is_an_error(destination, tmp_path, monkeypatch):
    (tmp_path / "trackio.py").write_text("raise ImportError('needs another version')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(TrackerError, match="ImportError: needs another version"):
        open_process("trackio", destination)


def test_unknown_trackers_and_missing_packages_are_named(tmp_path, monkeypatch):
    with pytest.raises(
        UsageError, match=r"^track: comet: expected one of tensorboard, wandb, mlflow, trackio$"
    ):
        check_tracker("comet", option="track")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "wandb", raising=False)
    (tmp_path / "wandb").mkdir()  # the folder of the client's files is no package
    with pytest.raises(
        UsageError, match=r"^track: wandb: needs the package wandb; install it with: pip install"
    ):
        check_tracker("wandb", option="track")


def test_runs_on_a_server_of_mlflow_are_shown_there(tmp_path, monkeypatch):
    destination = Destination(study="digits", folder=tmp_path)
    monkeypatch.delenv("MLFLOW_EXPERIMENT_NAME", raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:5000")
    assert TRACKERS["mlflow"].how_to_view(destination) == "experiment digits of http://127.0.0.1:5000"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///runs.db")
    assert TRACKERS["mlflow"].how_to_view(destination) == "mlflow ui --backend-store-uri sqlite:///runs.db"
