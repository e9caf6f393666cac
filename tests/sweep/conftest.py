"""Planted training in place of the worker's."""

from __future__ import annotations

import pytest

from scaling.sweep import worker
from tests.sweep.planted_training import Training


@pytest.fixture
def train(monkeypatch):
    """Planted training that fails as a test requests."""
    training = Training()
    monkeypatch.setattr(worker, "train", training)
    monkeypatch.setattr(worker, "_POLL_S", 0.02)
    monkeypatch.setattr(worker, "_PUBLISH_PAUSES_S", (0.01,) * 3)
    return training
