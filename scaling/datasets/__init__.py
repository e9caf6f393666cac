"""Specifications of data sets, without torch.

A new data set needs a file, a line in ``any_dataset`` and here, and a file and a line in
``scaling.data.sources``.
"""

from __future__ import annotations

from scaling.datasets.any_dataset import PUBLISHED_DATASETS, AnyDataset
from scaling.datasets.base import Dataset, DatasetInfo
from scaling.datasets.canonical import (
    Split,
    Splits,
    compute_fingerprint,
    pixel_digests,
    sort_canonically,
    stratified_order,
)
from scaling.datasets.cifar10 import Cifar10
from scaling.datasets.class_subset import draw_classes, restrict_split
from scaling.datasets.derived import DerivedDataset
from scaling.datasets.digit_frame import DigitFrame
from scaling.datasets.guess import guess_dataset
from scaling.datasets.imagefolder import ImageFolderDataset
from scaling.datasets.mnist import Mnist
from scaling.datasets.mnist5k import Mnist5k
from scaling.datasets.npz import NpzDataset
from scaling.datasets.own import OwnDataset, PathDataset
from scaling.datasets.parquet import ParquetDataset
from scaling.datasets.shift import Shift, shift_images, square_of_shifts
from scaling.datasets.shifted_digits import ShiftedDigits
from scaling.datasets.skeleton_features import SkeletonFeatures
from scaling.datasets.synthetic import Synthetic
from scaling.datasets.torchvision_dataset import TorchvisionDataset, torchvision_name
from scaling.datasets.torchvision_sets import TORCHVISION_SETS
from scaling.datasets.usps import Usps

__all__ = [
    "PUBLISHED_DATASETS",
    "TORCHVISION_SETS",
    "AnyDataset",
    "Cifar10",
    "Dataset",
    "DatasetInfo",
    "DerivedDataset",
    "DigitFrame",
    "ImageFolderDataset",
    "Mnist",
    "Mnist5k",
    "NpzDataset",
    "OwnDataset",
    "ParquetDataset",
    "PathDataset",
    "Shift",
    "ShiftedDigits",
    "SkeletonFeatures",
    "Split",
    "Splits",
    "Synthetic",
    "TorchvisionDataset",
    "Usps",
    "compute_fingerprint",
    "draw_classes",
    "guess_dataset",
    "pixel_digests",
    "restrict_split",
    "shift_images",
    "sort_canonically",
    "square_of_shifts",
    "stratified_order",
    "torchvision_name",
]
