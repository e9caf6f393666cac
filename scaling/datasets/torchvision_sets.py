"""Table of the data sets of torchvision that a study can name: their files, shapes and sizes.

The files lie in the data folder as torchvision's own classes leave them there, or as Parquet in folders named
after a data set of the Hugging Face hub and its configuration, such as ``fashion_mnist/fashion_mnist``.

Set here: SVHN without its extra images; STL10 without its unlabelled images; the whole test split of QMNIST.
EMNIST's images stay transposed, as in torchvision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scaling.datasets.canonical import Split
from scaling.datasets.readers import (
    Layout,
    idx_layouts,
    name_decode_errors,
    parquet_layout,
    read_array_pickle,
    read_idx,
)
from scaling.settings import ImageShape

CIFAR100_CHECKSUMS = {"train": "16019d7e3df5f24257cddd939b257f8d", "test": "f0ef6b0ae62326f3e7ffdfab6717acfc"}
"""MD5 of the published files, by their names; torchvision has the same."""


@dataclass(frozen=True, kw_only=True)
class TorchvisionSet:
    """One data set of torchvision."""

    name: str
    """Name of its class in ``torchvision.datasets``."""
    split: str | None = None
    """Name of the part, for a class with several; EMNIST has six."""
    image: ImageShape
    """Shape of the images and number of classes."""
    train_images: int
    """Published number of training images."""
    test_images: int
    """Published number of test images."""
    layouts: tuple[Layout, ...]
    """Permitted layouts of the files, torchvision's first."""
    label_names: tuple[str, ...] = ()
    """Names of the classes, as torchvision gives them; empty for digits, and if not listed here."""

    @property
    def title(self) -> str:
        """Name in figures and tables."""
        return f"{self.name} {self.split}" if self.split else self.name

    @property
    def content_type(self) -> str:
        """Name in a run's identity, such as ``fashionmnist`` or ``emnist_balanced``."""
        return self.title.lower().replace(" ", "_")


def _like_mnist(name: str, *, hub: str | None = None, label_names: tuple[str, ...] = ()) -> TorchvisionSet:
    shape = ImageShape(channels=1, side=28, classes=10)
    hub_layouts = [parquet_layout(hub, shape)] if hub else []
    return TorchvisionSet(
        name=name,
        image=shape,
        train_images=60_000,
        test_images=10_000,
        layouts=(*idx_layouts(f"{name}/raw", train="train", test="t10k"), *hub_layouts),
        label_names=label_names,
    )


def _emnist(split: str, *, classes: int, train: int, test: int) -> TorchvisionSet:
    return TorchvisionSet(
        name="EMNIST",
        split=split,
        image=ImageShape(channels=1, side=28, classes=classes),
        train_images=train,
        test_images=test,
        layouts=idx_layouts("EMNIST/raw", train="train", test="test", prefix=f"emnist-{split}-"),
    )


def _read_qmnist(files: Sequence[Path]) -> Split:
    images, labels = files
    return Split(read_idx(images)[..., None], read_idx(labels, integers=True)[:, 0].astype(np.uint8))


def _read_cifar100(files: Sequence[Path]) -> Split:
    (file,) = files
    with name_decode_errors(file):
        batch = read_array_pickle(file, CIFAR100_CHECKSUMS[file.name])
        images = batch["data"].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        return Split(images, np.array(batch["fine_labels"], np.uint8))


def _read_svhn(files: Sequence[Path]) -> Split:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    (file,) = files
    with name_decode_errors(file):
        try:
            arrays = loadmat(file, variable_names=["X", "y"])
        except MatReadError as error:
            raise ValueError(str(error)) from error
        labels = arrays["y"].reshape(-1).astype(np.uint8)
        # The digit 0 has the label 10.
        return Split(np.asarray(arrays["X"], np.uint8).transpose(3, 0, 1, 2), labels % 10)


def _read_stl10(files: Sequence[Path]) -> Split:
    images, labels = files
    with name_decode_errors(images):
        pixels = np.fromfile(images, np.uint8).reshape(-1, 3, 96, 96)
    with name_decode_errors(labels):
        # Pixels are stored by columns.
        return Split(pixels.transpose(0, 3, 2, 1), np.fromfile(labels, np.uint8))


def _qmnist_layout(suffix: str) -> Layout:
    def names(split: str) -> tuple[str, str]:
        start = f"QMNIST/raw/qmnist-{split}"
        return f"{start}-images-idx3-ubyte{suffix}", f"{start}-labels-idx2-int{suffix}"

    text = "QMNIST/raw/qmnist-{train,test}-{images-idx3-ubyte,labels-idx2-int}[.gz]"
    return Layout(text, names("train"), names("test"), _read_qmnist)


_QMNIST = TorchvisionSet(
    name="QMNIST",
    image=ImageShape(channels=1, side=28, classes=10),
    train_images=60_000,
    test_images=60_000,
    layouts=(_qmnist_layout(""), _qmnist_layout(".gz")),
)
_CIFAR100_SHAPE = ImageShape(channels=3, side=32, classes=100)
_CIFAR100 = TorchvisionSet(
    name="CIFAR100",
    image=_CIFAR100_SHAPE,
    train_images=50_000,
    test_images=10_000,
    layouts=(
        Layout(
            "cifar-100-python/{train,test}",
            ("cifar-100-python/train",),
            ("cifar-100-python/test",),
            _read_cifar100,
        ),
        parquet_layout("cifar100/cifar100", _CIFAR100_SHAPE, label_column="fine_label"),
    ),
)
_SVHN_SHAPE = ImageShape(channels=3, side=32, classes=10)
_SVHN = TorchvisionSet(
    name="SVHN",
    image=_SVHN_SHAPE,
    train_images=73_257,
    test_images=26_032,
    layouts=(
        Layout("{train,test}_32x32.mat", ("train_32x32.mat",), ("test_32x32.mat",), _read_svhn),
        parquet_layout("svhn/cropped_digits", _SVHN_SHAPE),
    ),
)
_STL10 = TorchvisionSet(
    name="STL10",
    image=ImageShape(channels=3, side=96, classes=10),
    train_images=5_000,
    test_images=8_000,
    label_names=("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck"),
    layouts=(
        Layout(
            "stl10_binary/{train,test}_{X,y}.bin",
            ("stl10_binary/train_X.bin", "stl10_binary/train_y.bin"),
            ("stl10_binary/test_X.bin", "stl10_binary/test_y.bin"),
            _read_stl10,
        ),
    ),
)

_FASHION = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)

TORCHVISION_SETS: dict[tuple[str, str | None], TorchvisionSet] = {
    (entry.name, entry.split): entry
    for entry in (
        _like_mnist("FashionMNIST", hub="fashion_mnist/fashion_mnist", label_names=_FASHION),
        _like_mnist("KMNIST"),
        _emnist("balanced", classes=47, train=112_800, test=18_800),
        _emnist("byclass", classes=62, train=697_932, test=116_323),
        _emnist("bymerge", classes=47, train=697_932, test=116_323),
        _emnist("letters", classes=26, train=124_800, test=20_800),
        _emnist("digits", classes=10, train=240_000, test=40_000),
        _emnist("mnist", classes=10, train=60_000, test=10_000),
        _QMNIST,
        _SVHN,
        _CIFAR100,
        _STL10,
    )
}
"""Data sets by their name and split."""
