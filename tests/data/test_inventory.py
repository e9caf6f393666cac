"""Inventory of the published data sets: which are present, where, and how to get the others."""

from __future__ import annotations

import pytest

from scaling.data import download_dataset, list_datasets, load
from scaling.datasets import PUBLISHED_DATASETS, TORCHVISION_SETS, Usps
from scaling.errors import DataError
from tests.data.tiny_sets import make, write_usps


def row(folder, cache, name):
    (row,) = [row for row in list_datasets(folder, cache=cache) if row.name == name]
    return row


def test_every_published_dataset_has_a_row(tmp_path, cache):
    torchvision = dict.fromkeys(name for name, _ in TORCHVISION_SETS)
    assert [row.name for row in list_datasets(tmp_path, cache=cache)] == [*PUBLISHED_DATASETS, *torchvision]


def test_dataset_is_missing_then_in_the_folder_then_in_the_cache(monkeypatch, tmp_path, cache):
    _, train, test = make(monkeypatch, "usps")
    folder = tmp_path / "data"
    missing = row(folder, cache, "usps")
    assert (missing.present, missing.location) == (False, "scaling data usps")
    write_usps(folder, train, test)
    present = row(folder, cache, "usps")
    assert (present.present, present.location) == (True, str(folder))
    loaded = load(Usps(), folder=folder, cache=cache)
    cached = row(tmp_path / "elsewhere", cache, "usps")
    assert (cached.present, cached.location) == (True, f"cache {cache / loaded.info.fingerprint}")


def test_missing_package_is_reported(monkeypatch, tmp_path, cache):
    monkeypatch.setattr("scaling.data.inventory.find_spec", lambda name: None)
    missing = row(tmp_path, cache, "mnist5k")
    assert (missing.present, missing.location) == (
        False,
        "pip install 'scaling-studies[quickstart]' (in a checkout: pip install '.[quickstart]')",
    )


def test_unknown_name_lists_the_known_names(tmp_path):
    with pytest.raises(
        DataError, match="cifar100: no such data set; choose from mnist, usps, cifar10, mnist5k"
    ):
        download_dataset("cifar100", tmp_path)
