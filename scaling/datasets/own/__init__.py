"""Data sets of a user's own files: how they are found, read, checked and described."""

from __future__ import annotations

from scaling.datasets.own.base import FolderDataset, OwnDataset, PathDataset
from scaling.datasets.own.content import LabelledImages, OwnContent
from scaling.datasets.own.pictures import EncodedImage, decode_splits
from scaling.datasets.own.splits import SPLITS, split_of

__all__ = [
    "SPLITS",
    "EncodedImage",
    "FolderDataset",
    "LabelledImages",
    "OwnContent",
    "OwnDataset",
    "PathDataset",
    "decode_splits",
    "split_of",
]
