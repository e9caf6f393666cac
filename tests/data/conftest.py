"""Isolation of the tests of this folder from the user's own folders and from the network."""

from __future__ import annotations

from urllib.error import URLError

import pytest


@pytest.fixture(autouse=True)
def _own_folders(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "scaling.datasets.readers.layout.user_data_path", lambda name: tmp_path / "home" / name
    )
    monkeypatch.setattr("scaling.data.cache.user_cache_path", lambda name: tmp_path / "home-cache" / name)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    def refuse(request, *args, **kwargs):
        raise URLError("no network in tests")

    monkeypatch.setattr("urllib.request.urlopen", refuse)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache"
