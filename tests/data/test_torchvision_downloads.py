"""Data sets of torchvision are downloaded by their name, verified and cached."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from scaling.data import download_dataset, list_datasets, load
from scaling.datasets import TORCHVISION_SETS, TorchvisionDataset
from scaling.errors import DataError
from tests.datasets.own_files import draw_images, write_idx_file


@pytest.fixture
def downloads(monkeypatch):
    """Replace torchvision's KMNIST by a small one; the folders that it downloaded to."""
    key, folders = ("KMNIST", None), []
    small = replace(
        TORCHVISION_SETS[key],
        train_images=8,
        test_images=8,
        image=replace(TORCHVISION_SETS[key].image, classes=4),
    )
    monkeypatch.setitem(TORCHVISION_SETS, key, small)

    def download(folder, *, train, download):
        folders.append(Path(folder))
        start = f"KMNIST/raw/{'train' if train else 't10k'}"
        write_idx_file(Path(folder) / f"{start}-images-idx3-ubyte", draw_images(8, (28, 28), seed=train))
        write_idx_file(Path(folder) / f"{start}-labels-idx1-ubyte", np.arange(8, dtype=np.uint8) % 4)

    monkeypatch.setattr("torchvision.datasets.KMNIST", download)
    return folders


def test_download_is_complete_cached_and_not_repeated(tmp_path, cache, downloads):
    folder = tmp_path / "data"
    for _ in range(2):
        row = download_dataset("KMNIST", folder, cache=cache)
        assert (row.name, row.present, row.location) == ("KMNIST", True, str(folder))
    assert len(downloads) == 2  # the training and the test images, once each
    info = TorchvisionDataset(name="KMNIST").info(folder)
    assert [entry.name for entry in cache.iterdir()] == [info.fingerprint]
    assert [path.name for path in folder.iterdir()] == ["KMNIST"]
    (listed,) = [row for row in list_datasets(folder, cache=cache) if row.name == "KMNIST"]
    assert listed == row


@pytest.mark.parametrize("name", ["FashionMNIST", "SVHN"])
def test_without_network_one_error_names_the_folder_and_both_remedies(tmp_path, cache, name):
    with pytest.raises(DataError) as raised:
        download_dataset(name, tmp_path / "data", cache=cache)
    first, second = str(raised.value).splitlines()
    assert f"{tmp_path / 'data'}: {name} is not there and cannot be downloaded" in first
    assert f"scaling data {name}" in second
    with pytest.raises(DataError, match=f"{name} is not there; run `scaling data {name}`"):
        load(TorchvisionDataset(name=name), folder=tmp_path / "data", cache=cache)
