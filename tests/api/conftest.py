from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scaling import api
from scaling.sweep import worker
from tests.api.simulated_training import STUDY, SimulatedTraining


@pytest.fixture
def training(monkeypatch) -> SimulatedTraining:
    """Replace training by a simulation with known laws."""
    simulation = SimulatedTraining()
    monkeypatch.setattr(worker, "train", simulation)
    return simulation


@pytest.fixture
def workspace(tmp_path) -> api.Workspace:
    return api.Workspace(store=str(tmp_path / "store"), data=tmp_path, artifacts=tmp_path / "artifacts")


@pytest.fixture
def study(tmp_path) -> Callable[..., Path]:
    """Function that writes the YAML file of a study."""

    def write(text: str = STUDY, name: str = "grown.yaml") -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write
