"""The real data sets, from the files in SCALING_DATA."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from scaling.data import load
from scaling.datasets import Cifar10, Mnist, Usps
from tests.data.tiny_sets import write_batches, write_idx, write_parquet

pytestmark = pytest.mark.data


@pytest.fixture
def folder():
    if "SCALING_DATA" not in os.environ:
        pytest.skip("SCALING_DATA does not name a folder of whole data sets")
    return Path(os.environ["SCALING_DATA"])


@pytest.mark.parametrize(
    ("dataset", "mean", "std"),
    [
        (Mnist(), [0.1307], [0.3081]),
        (Usps(), [0.2539], [0.3842]),
        (Cifar10(), [0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616]),
    ],
)
def test_real_dataset_has_its_published_fingerprint_and_moments(folder, cache, dataset, mean, std):
    loaded = load(dataset, folder=folder, cache=cache, download=False)
    np.testing.assert_allclose(loaded.mean, mean, atol=5e-5)
    np.testing.assert_allclose(loaded.std, std, atol=5e-5)


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
