"""A small study, trained once for all tests of the command line, and a function that runs a command."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from scaling.cli import main
from scaling.sweep import worker
from tests.api import simulated_training

STUDY = """\
study: tiny
dataset: {type: synthetic, size: 200, test_size: 100, side: 10, noise: 0.6}
architectures:
  - {type: tree3, rows: 1, branches: 2, filters: [1, 2, 3, 4, 6]}
recipe: {epochs: 2, batch_size: 25, learning_rate: 0.3}
seeds: 2
"""


@dataclass(frozen=True)
class Result:
    """Exit code and output of a command."""

    code: int
    out: str
    err: str


@pytest.fixture
def scaling(capsys, monkeypatch, tmp_path):
    """Return a function that runs a command in an empty working folder."""
    monkeypatch.chdir(tmp_path)

    def run_command(*words: object) -> Result:
        code = main([str(word) for word in words])
        return Result(code, *capsys.readouterr())

    return run_command


@pytest.fixture(scope="session")
def study(tmp_path_factory) -> Path:
    """Return the YAML file of the study."""
    file = tmp_path_factory.mktemp("study") / "tiny.yaml"
    file.write_text(STUDY)
    return file


@pytest.fixture(scope="session")
def _trained(study) -> Path:
    store = study.parent / "store"
    assert main(["run", str(study), "--in-process", "--store", str(store)]) == 0
    return store


@pytest.fixture
def store(_trained, tmp_path) -> Path:
    """Return a copy of the store with the ten runs of the study."""
    return Path(shutil.copytree(_trained, tmp_path / "store"))


@pytest.fixture
def ids(scaling, study, store):
    """Return the ids of the runs of the study, by filters and seed."""
    runs = json.loads(scaling("plan", study, "--store", store, "--json").out)["runs"]
    return {(run["filters"], run["seed"]): run["id"] for run in runs}


@pytest.fixture
def simulated_study(tmp_path, monkeypatch):
    """Return the YAML file of a study whose training is replaced by a simulation of a known law."""
    monkeypatch.setattr(worker, "train", simulated_training.SimulatedTraining())
    file = tmp_path / "simulated_study.yaml"
    file.write_text(simulated_training.STUDY)
    return file
