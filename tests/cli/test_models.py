"""models and data: what there is."""

from __future__ import annotations

import json

import pytest

from scaling.datasets import PUBLISHED_DATASETS


def test_models_lists_counts_beside_published_ones(scaling):
    typed = scaling("models")
    assert (typed.code, typed.err) == (0, "")
    assert "61,706 parameters" in typed.out
    rows = json.loads(scaling("models", "--json").out)
    (lenet,) = [row for row in rows if row["name"].startswith("lenet5") and row["images"] == "MNIST"]
    assert lenet["parameters"] == 61_706
    assert sum(layer["parameters"] for layer in lenet["layers"]) == 61_706


@pytest.fixture
def _own_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))


@pytest.mark.usefixtures("_own_cache")
def test_data_lists_every_published_set_without_network(scaling, tmp_path):
    typed = scaling("data", "--data", tmp_path / "data")
    assert (typed.code, typed.err) == (0, "")
    for name in PUBLISHED_DATASETS:
        assert name in typed.out
    assert "scaling data cifar10" in typed.out
    assert f"data folder: {tmp_path / 'data'}" in typed.out


def test_an_unknown_set_is_refused_by_name(scaling):
    typed = scaling("data", "imagenet")
    assert (typed.code, typed.out) == (2, "")
    assert typed.err == f"imagenet: no such data set; choose from {', '.join(PUBLISHED_DATASETS)}\n"
