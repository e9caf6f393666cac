"""The check of a data set counts repeated images as plain loops do."""

from __future__ import annotations

import numpy as np
import pytest

from scaling.data import check_dataset
from scaling.datasets import (
    ImageFolderDataset,
    Mnist5k,
    NpzDataset,
    ParquetDataset,
    TorchvisionDataset,
    guess_dataset,
)
from scaling.errors import DataError
from tests.datasets.own_files import draw_images, write_hub, write_imagefolder


def test_duplicates_are_those_of_plain_loops(tmp_path, cache):
    rng = np.random.default_rng(3)
    pictures = draw_images(30, (8, 8, 3))
    train, test = rng.integers(0, 30, 40), rng.integers(10, 40, 25) % 35
    pictures = np.concatenate([pictures, draw_images(5, (8, 8, 3), seed=9)])
    train_labels = np.concatenate([np.arange(3), rng.integers(0, 3, 37)])
    test_labels = rng.integers(0, 3, 25)
    np.savez(
        tmp_path / "a.npz",
        train_images=pictures[train],
        train_labels=train_labels,
        test_images=pictures[test],
        test_labels=test_labels,
    )
    check = check_dataset(NpzDataset(path=str(tmp_path / "a.npz")), tmp_path, cache=cache)
    found, labels = check.duplicates, {}
    for picture, label in zip([*train, *test], [*train_labels, *test_labels], strict=True):
        labels.setdefault(picture, set()).add(label)
    assert found.train == sum(picture in train[:index] for index, picture in enumerate(train))
    assert found.test == sum(picture in test[:index] for index, picture in enumerate(test))
    assert found.between == sum(picture in train for picture in test)
    assert found.conflicting == sum(len(of) > 1 for of in labels.values())
    scaled = pictures[train].reshape(-1, 3) / 255
    np.testing.assert_allclose(check.mean, scaled.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(check.std, scaled.std(axis=0), rtol=1e-12)


def test_the_type_is_guessed_from_the_path(tmp_path):
    images, labels = draw_images(4, (8, 8, 3)), np.arange(4) % 2
    write_hub(tmp_path / "hub/data", {"train": (images, {"label": labels})})
    write_imagefolder(tmp_path / "pictures", {"train": (images, labels)}, "ab")
    (tmp_path / "mine.npz").write_bytes(b"")
    for path, kind in (("hub", ParquetDataset), ("pictures", ImageFolderDataset), ("mine.npz", NpzDataset)):
        assert guess_dataset(str(tmp_path / path)) == kind(path=str(tmp_path / path))
    assert guess_dataset("mnist5k") == Mnist5k()
    assert guess_dataset("EMNIST/letters") == TorchvisionDataset(name="EMNIST", split="letters")
    with pytest.raises(
        DataError, match=r"nothing: no such file; give a study, an .npz file, a folder, or one of"
    ):
        guess_dataset("nothing")
    with pytest.raises(DataError, match=r"parquet: give its folder"):
        guess_dataset(str(tmp_path / "hub/data/train-00000-of-00001.parquet"))
