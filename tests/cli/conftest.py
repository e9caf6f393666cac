"""A study that trains in seconds, once for all tests of this room, and a way to type commands."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from scaling.cli import main

STUDY = """\
study: tiny
dataset: {type: synthetic, size: 200, test_size: 100, side: 10, noise: 0.6}
architectures:
  - {type: tree3, rows: 1, branches: 2, filters: [1, 2, 3, 4, 6]}
recipe: {epochs: 2, batch_size: 25, learning_rate: 0.3}
seeds: 2
"""


@dataclass(frozen=True)
class Typed:
    """What a command answered."""

    code: int
    out: str
    err: str


@pytest.fixture
def scaling(capsys, monkeypatch, tmp_path):
    """Types a command in an empty working folder."""
    monkeypatch.chdir(tmp_path)

    def type_in(*words: object) -> Typed:
        code = main([str(word) for word in words])
        return Typed(code, *capsys.readouterr())

    return type_in


@pytest.fixture(scope="session")
def study(tmp_path_factory) -> Path:
    """The YAML file."""
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
    """A store with the ten runs of the study, for this test alone."""
    return Path(shutil.copytree(_trained, tmp_path / "store"))
