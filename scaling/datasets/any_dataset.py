"""The union of all data sets, and those that have a name."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scaling.datasets.cifar10 import Cifar10
from scaling.datasets.imagefolder import ImageFolderDataset
from scaling.datasets.mnist import Mnist
from scaling.datasets.mnist5k import Mnist5k
from scaling.datasets.npz import NpzDataset
from scaling.datasets.parquet import ParquetDataset
from scaling.datasets.shifted_digits import ShiftedDigits
from scaling.datasets.skeleton_features import SkeletonFeatures
from scaling.datasets.synthetic import Synthetic
from scaling.datasets.torchvision_dataset import TorchvisionDataset
from scaling.datasets.usps import Usps

AnyDataset = Annotated[
    Mnist
    | Usps
    | Cifar10
    | Mnist5k
    | Synthetic
    | NpzDataset
    | TorchvisionDataset
    | ParquetDataset
    | ImageFolderDataset
    | SkeletonFeatures
    | ShiftedDigits,
    Field(discriminator="type"),
]
"""Union of all data sets, chosen by ``type``."""

PUBLISHED_DATASETS = {"mnist": Mnist, "usps": Usps, "cifar10": Cifar10, "mnist5k": Mnist5k}
"""Data sets that can be downloaded by name."""
