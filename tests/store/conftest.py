"""Stores in a folder and in object stores that need no network."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from scaling.store import Store, open_store
from scaling.store.object_store import ObjectStoreBackend


@pytest.fixture
def folder(tmp_path: Path) -> Store:
    return open_store(tmp_path / "store")


@pytest.fixture(params=["folder", "memory", "local"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Return a store in a folder, and in each kind of object store of obstore that needs no network."""
    if request.param == "folder":
        return open_store(tmp_path / "store")
    if request.param == "memory":
        return open_store(f"memory:///{uuid4().hex}")
    return Store(ObjectStoreBackend(tmp_path.as_uri()))
