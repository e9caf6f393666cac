from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scaling import api
from scaling.sweep import worker
from tests.api.simulated_training import STUDY, SimulatedTraining


@pytest.fixture
def training(monkeypatch) -> SimulatedTraining:
    """What trains in the place of networks."""
    stand_in = SimulatedTraining()
    monkeypatch.setattr(worker, "train", stand_in)
    return stand_in


@pytest.fixture
def workspace(tmp_path) -> api.Workspace:
    return api.Workspace(store=str(tmp_path / "store"), data=tmp_path, artifacts=tmp_path / "artifacts")


@pytest.fixture
def study(tmp_path) -> Callable[..., Path]:
    """Writes a study's file."""

    def write(text: str = STUDY, name: str = "grown.yaml") -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write
