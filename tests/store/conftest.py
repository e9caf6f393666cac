"""Stores in a folder and in object stores, all of them on this machine."""

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
    """Return a store in a folder, and in each kind of object store of obstore that needs no server."""
    return _open(request.param, tmp_path)


@pytest.fixture(params=["folder", "memory", "local", "s3"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Return the same stores, and one on a server that speaks S3, where each request takes milliseconds."""
    if request.param == "s3":
        return open_store(request.getfixturevalue("s3_uri"))
    return _open(request.param, tmp_path)


def _open(kind: str, tmp_path: Path) -> Store:
    if kind == "folder":
        return open_store(tmp_path / "store")
    if kind == "memory":
        return open_store(f"memory:///{uuid4().hex}")
    return Store(ObjectStoreBackend(tmp_path.as_uri()))
