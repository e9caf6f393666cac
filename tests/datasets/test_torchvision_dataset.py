"""Data sets of torchvision are read like torchvision reads them; missing and damaged files are named."""

from __future__ import annotations

import gzip
import pickle
from dataclasses import replace
from hashlib import md5
from pathlib import Path

import numpy as np
import pytest
import torchvision.datasets
from pydantic import ValidationError
from scipy.io import savemat

from scaling.datasets import TORCHVISION_SETS, NpzDataset, TorchvisionDataset
from scaling.datasets.torchvision_sets import CIFAR100_CHECKSUMS
from scaling.errors import DataError
from tests.datasets.own_files import draw_images, write_cifar100, write_hub, write_idx_file
from tests.planted_object import PlantedObject

TRAIN, TEST = 12, 8


@pytest.fixture(autouse=True)
def _no_files_of_the_user(monkeypatch, tmp_path):
    monkeypatch.setattr("scaling.datasets.readers.layout.user_data_path", lambda name: tmp_path / "home")


def shrink(monkeypatch, name, split=None, *, classes=4):
    """Make a data set expect a few images of a few classes."""
    entry = TORCHVISION_SETS[name, split]
    small = replace(entry, train_images=TRAIN, test_images=TEST, image=replace(entry.image, classes=classes))
    monkeypatch.setitem(TORCHVISION_SETS, (name, split), small)


def drawn(shape, classes=4):
    return {
        name: (draw_images(count, shape, seed=count), (np.arange(count) % classes).astype(np.uint8))
        for name, count in (("train", TRAIN), ("test", TEST))
    }


def write_like_mnist(folder, name, splits, *, prefix="", test="t10k"):
    for split, (images, labels) in splits.items():
        start = f"{prefix}{test if split == 'test' else split}"
        write_idx_file(folder / f"{name}/raw/{start}-images-idx3-ubyte", images)
        write_idx_file(folder / f"{name}/raw/{start}-labels-idx1-ubyte", labels)


def assert_same_images(dataset, folder, oracles, *, first_label=0):
    """Compare the images and the labels with those of torchvision, in any order."""
    for split, oracle in zip(dataset.splits(folder), oracles, strict=True):
        expected = sorted((np.asarray(image).tobytes(), int(label)) for image, label in oracle)
        read = zip(split.images, split.labels, strict=True)
        assert sorted((image.tobytes(), int(label) + first_label) for image, label in read) == expected


@pytest.mark.parametrize("name", ["FashionMNIST", "KMNIST"])
def test_data_sets_like_mnist(monkeypatch, tmp_path, name):
    shrink(monkeypatch, name)
    write_like_mnist(tmp_path, name, drawn((28, 28)))
    oracle = getattr(torchvision.datasets, name)
    dataset = TorchvisionDataset(name=name)
    assert_same_images(dataset, tmp_path, [oracle(tmp_path, train=train) for train in (True, False)])
    info = dataset.info(tmp_path)
    assert (info.title, info.image.classes, info.train_images) == (name, 4, TRAIN)
    assert dataset.content_type == name.lower()


def test_emnist_by_its_split(monkeypatch, tmp_path):
    """The labels of the letters begin with 1, and become the classes from 0."""
    shrink(monkeypatch, "EMNIST", "letters")
    splits = {name: (images, labels + 1) for name, (images, labels) in drawn((28, 28)).items()}
    write_like_mnist(tmp_path, "EMNIST", splits, prefix="emnist-letters-", test="test")
    dataset = TorchvisionDataset(name="EMNIST", split="letters")
    oracles = [torchvision.datasets.EMNIST(tmp_path, "letters", train=train) for train in (True, False)]
    assert_same_images(dataset, tmp_path, oracles, first_label=1)
    assert dataset.info(tmp_path).labels == (1, 2, 3, 4)
    assert dataset.content_type == "emnist_letters"


def test_qmnist(monkeypatch, tmp_path):
    shrink(monkeypatch, "QMNIST")
    for split, (images, labels) in drawn((28, 28)).items():
        start = tmp_path / f"QMNIST/raw/qmnist-{split}"
        write_idx_file(start.with_name(f"{start.name}-images-idx3-ubyte"), images)
        table = np.repeat(labels[:, None].astype(np.int32), 8, axis=1) + np.arange(8, dtype=np.int32) * 1000
        write_idx_file(start.with_name(f"{start.name}-labels-idx2-int"), table)
    oracles = [torchvision.datasets.QMNIST(tmp_path, train=train) for train in (True, False)]
    assert_same_images(TorchvisionDataset(name="QMNIST"), tmp_path, oracles)


def checksum(file):
    return md5(file.read_bytes()).hexdigest()


def test_svhn_whose_label_10_is_the_digit_0(monkeypatch, tmp_path):
    shrink(monkeypatch, "SVHN")
    splits = drawn((32, 32, 3))
    listed = dict(torchvision.datasets.SVHN.split_list)
    for split, (images, labels) in splits.items():
        file = tmp_path / f"{split}_32x32.mat"
        savemat(file, {"X": images.transpose(1, 2, 3, 0), "y": np.where(labels == 0, 10, labels)[:, None]})
        listed[split] = ["", file.name, checksum(file)]
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", listed)
    oracles = [torchvision.datasets.SVHN(tmp_path, split=split) for split in splits]
    assert_same_images(TorchvisionDataset(name="SVHN"), tmp_path, oracles)


@pytest.mark.parametrize(
    "content", [b"", b"text", b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + b"x" * 99]
)
def test_a_damaged_file_of_svhn_is_named(tmp_path, content):
    for split in ("train", "test"):
        (tmp_path / f"{split}_32x32.mat").write_bytes(content)
    with pytest.raises(DataError, match=r"train_32x32\.mat: cannot be decoded .*; delete the damaged"):
        TorchvisionDataset(name="SVHN").info(tmp_path)


def test_stl10(monkeypatch, tmp_path):
    shrink(monkeypatch, "STL10")
    for split, (images, labels) in drawn((96, 96, 3)).items():
        (tmp_path / "stl10_binary").mkdir(exist_ok=True)
        (tmp_path / f"stl10_binary/{split}_X.bin").write_bytes(images.transpose(0, 3, 2, 1).tobytes())
        (tmp_path / f"stl10_binary/{split}_y.bin").write_bytes((labels + 1).tobytes())
    names = [f"{split}_{kind}.bin" for split in ("train", "test") for kind in "Xy"]
    lists = [[name, checksum(tmp_path / "stl10_binary" / name)] for name in names]
    oracle = torchvision.datasets.STL10
    monkeypatch.setattr(oracle, "train_list", lists[:2])
    monkeypatch.setattr(oracle, "test_list", lists[2:])
    (tmp_path / "stl10_binary/class_names.txt").write_text("\n".join("abcdefghij"))
    oracles = [oracle(tmp_path, split=split) for split in ("train", "test")]
    assert_same_images(TorchvisionDataset(name="STL10"), tmp_path, oracles)
    info = TorchvisionDataset(name="STL10").info(tmp_path)
    assert (info.labels, info.label_names) == ((1, 2, 3, 4), ("airplane", "bird", "car", "cat"))
    file = tmp_path / "stl10_binary/test_X.bin"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"test_X\.bin: cannot be decoded .*; delete the damaged files"):
        TorchvisionDataset(name="STL10").info(tmp_path)


def test_the_names_of_classes_are_those_of_torchvision():
    names = TORCHVISION_SETS["FashionMNIST", None].label_names
    assert list(names) == torchvision.datasets.FashionMNIST.classes


@pytest.fixture
def cifar100(monkeypatch, tmp_path):
    """Small pickles of CIFAR-100, whose checksums are taken for those of the published files."""
    shrink(monkeypatch, "CIFAR100")
    splits = drawn((32, 32, 3))
    write_cifar100(tmp_path / "cifar-100-python", splits)
    for split in splits:
        monkeypatch.setitem(CIFAR100_CHECKSUMS, split, checksum(tmp_path / f"cifar-100-python/{split}"))
    return splits


def test_the_checksums_are_those_of_torchvision():
    oracle = torchvision.datasets.CIFAR100
    assert dict([*oracle.train_list, *oracle.test_list]) == CIFAR100_CHECKSUMS


def test_cifar100_in_both_layouts_is_one_data_set(cifar100, tmp_path):
    dataset = TorchvisionDataset(name="CIFAR100")
    pickled = dataset.info(tmp_path)
    hub = {
        split: (images, {"fine_label": labels.astype(int), "coarse_label": labels.astype(int) // 2})
        for split, (images, labels) in cifar100.items()
    }
    write_hub(tmp_path / "other/cifar100/cifar100", hub, image_column="img")
    assert dataset.info(tmp_path / "other").fingerprint == pickled.fingerprint
    (train, labels), (test, test_labels) = cifar100["train"], cifar100["test"]
    np.savez(
        tmp_path / "a.npz",
        train_images=train,
        train_labels=labels,
        test_images=test,
        test_labels=test_labels,
    )
    assert NpzDataset(path=str(tmp_path / "a.npz")).info(tmp_path).fingerprint == pickled.fingerprint


@pytest.mark.usefixtures("cifar100")
def test_a_file_with_another_checksum_is_refused_unread(tmp_path):
    trace = tmp_path / "trace"
    (tmp_path / "cifar-100-python/test").write_bytes(pickle.dumps({"data": PlantedObject(trace)}))
    with pytest.raises(
        DataError, match=r"100-python/test: cannot be decoded \(its MD5 checksum is not"
    ) as raised:
        TorchvisionDataset(name="CIFAR100").info(tmp_path)
    assert "download them again: scaling data CIFAR100" in str(raised.value)
    assert not trace.exists()


@pytest.mark.usefixtures("cifar100")
def test_a_planted_object_is_refused_even_with_the_published_checksum(monkeypatch, tmp_path):
    trace, file = tmp_path / "trace", tmp_path / "cifar-100-python/test"
    file.write_bytes(pickle.dumps({"data": PlantedObject(trace)}))
    monkeypatch.setitem(CIFAR100_CHECKSUMS, "test", checksum(file))
    with pytest.raises(DataError, match=r"cannot be decoded \(refers to pathlib\.Path"):
        TorchvisionDataset(name="CIFAR100").info(tmp_path)
    assert not trace.exists()


def test_packed_files_are_read_without_unpacking(monkeypatch, tmp_path):
    shrink(monkeypatch, "FashionMNIST")
    write_like_mnist(tmp_path, "FashionMNIST", drawn((28, 28)))
    before = TorchvisionDataset(name="FashionMNIST").info(tmp_path).fingerprint
    for file in list((tmp_path / "FashionMNIST/raw").iterdir()):
        file.with_name(f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        file.unlink()
    assert TorchvisionDataset(name="FashionMNIST").info(tmp_path).fingerprint == before


def test_a_cut_file_and_a_missing_one_are_named(monkeypatch, tmp_path):
    shrink(monkeypatch, "KMNIST")
    write_like_mnist(tmp_path, "KMNIST", drawn((28, 28)))
    file = tmp_path / "KMNIST/raw/train-images-idx3-ubyte"
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(DataError, match=r"ubyte: cannot be decoded \(holds 9403 bytes") as raised:
        TorchvisionDataset(name="KMNIST").info(tmp_path)
    assert "; delete the damaged files, then download them again: scaling data KMNIST" in str(raised.value)
    file.unlink()
    with pytest.raises(DataError, match="KMNIST is not there; run `scaling data KMNIST` on a machine with"):
        TorchvisionDataset(name="KMNIST").info(tmp_path)


def test_another_number_of_images_than_the_published_one_is_refused(tmp_path):
    write_like_mnist(tmp_path, "KMNIST", drawn((28, 28)))
    with pytest.raises(
        DataError, match=r"expected training images of shape \(60000, 28, 28, 1\), got \(12, 28"
    ):
        TorchvisionDataset(name="KMNIST").info(tmp_path)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"name": "CIFAR10"}, r"CIFAR10 has a type of its own; write dataset: {type: cifar10}"),
        (
            {"name": "fashionmnist"},
            "did you mean FashionMNIST. expected one of FashionMNIST, KMNIST, EMNIST,",
        ),
        ({"name": "ImageNet"}, "got ImageNet; save other data sets as .npz or in folders of images"),
        ({"name": "EMNIST"}, "split: expected balanced, byclass, bymerge, letters, digits, mnist, got None"),
        ({"name": "SVHN", "split": "extra"}, "split: expected no split, because SVHN has none, got extra"),
    ],
)
def test_an_unknown_name_or_split_is_refused_with_what_to_write(settings, problem):
    with pytest.raises(ValidationError, match=problem):
        TorchvisionDataset(**settings)


def test_the_documents_list_every_data_set():
    page = (Path(__file__).parents[2] / "docs/own-data.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("|")]
    for entry in TORCHVISION_SETS.values():
        (row,) = [row for row in rows if entry.name in row.split("|")[1].replace(",", " ").split()]
        assert entry.split is None or entry.split in row
        assert f"{entry.image.side}x{entry.image.side}" in row
        if entry.split is None:
            assert f"| {entry.train_images:,} and {entry.test_images:,} |" in row
