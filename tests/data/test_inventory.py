"""What is here, where, and how to get the rest."""

from __future__ import annotations

import pytest

from scaling.data import download_dataset, list_datasets, load
from scaling.datasets import PUBLISHED_DATASETS, Usps
from scaling.errors import DataError
from tests.data.tiny_sets import make, write_usps


def row(folder, cache, name):
    (found,) = [row for row in list_datasets(folder, cache=cache) if row.name == name]
    return found


def test_every_published_set_has_a_row(tmp_path, cache):
    assert [row.name for row in list_datasets(tmp_path, cache=cache)] == list(PUBLISHED_DATASETS)


def test_a_set_is_missing_then_in_the_folder_then_in_the_cache(monkeypatch, tmp_path, cache):
    _, train, test = make(monkeypatch, "usps")
    folder = tmp_path / "data"
    missing = row(folder, cache, "usps")
    assert (missing.present, missing.location) == (False, "scaling data usps")
    write_usps(folder, train, test)
    here = row(folder, cache, "usps")
    assert (here.present, here.location) == (True, str(folder))
    loaded = load(Usps(), folder=folder, cache=cache)
    cached = row(tmp_path / "elsewhere", cache, "usps")
    assert (cached.present, cached.location) == (True, f"cache {cache / loaded.info.fingerprint}")


def test_a_package_that_is_missing_is_told(monkeypatch, tmp_path, cache):
    monkeypatch.setattr("scaling.data.inventory.find_spec", lambda name: None)
    found = row(tmp_path, cache, "mnist5k")
    assert (found.present, found.location) == (False, "pip install 'scaling[quickstart]'")


def test_an_unknown_name_lists_the_known_ones(tmp_path):
    with pytest.raises(
        DataError, match="cifar100: no such data set; there are mnist, usps, cifar10, mnist5k"
    ):
        download_dataset("cifar100", tmp_path)
