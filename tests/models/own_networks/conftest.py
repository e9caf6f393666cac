from __future__ import annotations

import pytest

from scaling.architectures.own_networks import records
from tests.own_specs import own_spec


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """An empty cache of records."""
    monkeypatch.setattr(records, "user_cache_path", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(records, "_known", {})


@pytest.fixture
def own():
    """The function that returns the specification of a network in ``tests/own_nets.py``."""
    return own_spec
