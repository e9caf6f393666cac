"""The real data sets, from the files in SCALING_DATA."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from scaling.data import load
from scaling.data.pictures import MAX_ASPECT_RATIO
from scaling.datasets import Cifar10, Mnist, Usps
from tests.data.tiny_sets import write_batches, write_idx, write_parquet

pytestmark = pytest.mark.data


@pytest.fixture
def folder():
    return Path(os.environ["SCALING_DATA"])


def count_wide_digits(images) -> int:
    """Return the number of digits that are too wide for a picture of a single digit."""
    is_ink = images > 0.1 * images.max(axis=(1, 2), keepdims=True)
    height, width = (extent(is_ink.any(axis=axis)) for axis in (2, 1))
    return int((width > MAX_ASPECT_RATIO * height).sum())


def extent(is_ink):
    """Return the distance from the first to the last line with ink, both included."""
    return is_ink.shape[1] - is_ink.argmax(axis=1) - is_ink[:, ::-1].argmax(axis=1)


@pytest.mark.parametrize(
    ("dataset", "mean", "std", "wide"),
    [
        (Mnist(), [0.1307], [0.3081], 241),
        (Usps(), [0.2539], [0.3842], 57),
        (Cifar10(), [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616], None),
    ],
)
def test_real_dataset_has_its_published_fingerprint_moments_and_wide_digits(
    folder, cache, dataset, mean, std, wide
):
    loaded = load(dataset, folder=folder, cache=cache, download=False)
    classes = loaded.info.image.classes
    assert loaded.train.count_classes(classes) == loaded.info.train_per_class
    assert loaded.test.count_classes(classes) == loaded.info.test_per_class
    np.testing.assert_allclose(loaded.mean, mean, atol=5e-5)
    np.testing.assert_allclose(loaded.std, std, atol=5e-5)
    if wide is not None:
        assert count_wide_digits(loaded.train.images[..., 0]) == wide < loaded.info.train_images / 100


@pytest.mark.slow
@pytest.mark.parametrize("dataset", [Mnist(), Cifar10()])
def test_every_layout_of_a_real_dataset_has_one_fingerprint(monkeypatch, folder, cache, tmp_path, dataset):
    """The splits are written in both layouts and loaded again; load() refuses another fingerprint."""
    loaded = load(dataset, folder=folder, cache=cache, download=False)
    splits = loaded.train, loaded.test
    if dataset.type == "mnist":
        write_idx(tmp_path / "original", *splits, packed=True)
        write_parquet(tmp_path / "parquet/mnist/mnist", *splits, column="image", parts=2)
    else:
        write_batches(monkeypatch, tmp_path / "original", *splits)
        write_parquet(tmp_path / "parquet/cifar10/plain_text", *splits, parts=2)
    for name in ("original", "parquet"):
        again = load(dataset, folder=tmp_path / name, cache=tmp_path / f"cache-{name}", download=False)
        assert again.info.fingerprint == loaded.info.fingerprint
