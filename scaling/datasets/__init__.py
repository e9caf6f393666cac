"""Specifications of data sets, without torch.

A new data set needs a file and a line here, and a file and a line in ``scaling.data.sources``.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from scaling.datasets.base import Dataset, DatasetInfo
from scaling.datasets.canonical import Split, Splits, compute_fingerprint, sort_canonically, stratified_order
from scaling.datasets.cifar10 import Cifar10
from scaling.datasets.class_subset import draw_classes, restrict_split
from scaling.datasets.derived import DerivedDataset
from scaling.datasets.digit_frame import DigitFrame
from scaling.datasets.mnist import Mnist
from scaling.datasets.mnist5k import Mnist5k
from scaling.datasets.npz import NpzDataset
from scaling.datasets.shift import Shift, shift_images, square_of_shifts
from scaling.datasets.shifted_digits import ShiftedDigits
from scaling.datasets.skeleton_features import SkeletonFeatures
from scaling.datasets.synthetic import Synthetic
from scaling.datasets.usps import Usps

AnyDataset = Annotated[
    Mnist | Usps | Cifar10 | Mnist5k | Synthetic | NpzDataset | SkeletonFeatures | ShiftedDigits,
    Field(discriminator="type"),
]
"""Union of all data sets, chosen by ``type``."""

PUBLISHED_DATASETS = {"mnist": Mnist, "usps": Usps, "cifar10": Cifar10, "mnist5k": Mnist5k}
"""Data sets that can be downloaded by name."""

__all__ = [
    "PUBLISHED_DATASETS",
    "AnyDataset",
    "Cifar10",
    "Dataset",
    "DatasetInfo",
    "DerivedDataset",
    "DigitFrame",
    "Mnist",
    "Mnist5k",
    "NpzDataset",
    "Shift",
    "ShiftedDigits",
    "SkeletonFeatures",
    "Split",
    "Splits",
    "Synthetic",
    "Usps",
    "compute_fingerprint",
    "draw_classes",
    "restrict_split",
    "shift_images",
    "sort_canonically",
    "square_of_shifts",
    "stratified_order",
]
