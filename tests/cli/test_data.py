"""Tests of ``scaling data``."""

from __future__ import annotations

import pytest

from scaling.datasets import PUBLISHED_DATASETS


@pytest.fixture
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


@pytest.mark.usefixtures("_own_cache")
def test_data_lists_every_published_set_without_a_network(scaling, tmp_path):
    result = scaling("data", "--data", tmp_path / "data")
    assert (result.code, result.err) == (0, "")
    for name in PUBLISHED_DATASETS:
        assert name in result.out
    assert "scaling data cifar10" in result.out
    assert f"data folder: {tmp_path / 'data'}" in result.out


def test_an_unknown_data_set_is_refused(scaling):
    result = scaling("data", "imagenet")
    assert (result.code, result.out) == (2, "")
    assert result.err == f"imagenet: no such data set; choose from {', '.join(PUBLISHED_DATASETS)}\n"
