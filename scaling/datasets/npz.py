"""A user's own data set: one .npz file with four arrays.

train_images  uint8, [images, side, side] or [images, side, side, channels]
train_labels  integers from 0 to 255, [images]
test_images   like train_images
test_labels   like train_labels

The k labels become the classes 0 to k-1 in ascending order: gaps, as between 0 and 255, make no class
without images.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from math import prod
from pathlib import Path
from typing import Annotated, Literal
from zipfile import ZipFile, is_zipfile

import numpy as np
from numpy.lib import format as npy
from pydantic import Field

from scaling.datasets.base import Dataset, DatasetInfo
from scaling.datasets.canonical import Split, Splits, compute_fingerprint, sort_canonically
from scaling.errors import DataError, shorten
from scaling.files import NO_SUCH_FILE, file_problem
from scaling.settings import ImageShape

_MAX_LISTED_LABELS = 5
_ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


class NpzDataset(Dataset):
    """Square images from an .npz file. A run's identity includes their content and not the path."""

    type: Literal["npz"] = "npz"
    path: Annotated[str, Field(min_length=1)]
    """Path of the .npz file; a relative path is searched in the working folder, then in the data folder."""

    def whole_info(self, folder: Path) -> DatasetInfo:
        file = self._find_file(folder)
        return _read_info(file, file.stat().st_mtime_ns)

    def splits(self, folder: Path) -> Splits:
        """Read the training split and the test split, in canonical order.

        Args:
            folder: the data folder.

        Raises:
            DataError: the file is missing, or its arrays are not as this module describes them.
        """
        return _number_classes(_read_labelled(self._find_file(folder)))

    def _find_file(self, folder: Path) -> Path:
        candidates = [Path(self.path), folder / self.path]
        with suppress(RuntimeError):  # ~nobody, without such a user
            candidates[0] = candidates[0].expanduser()
        problems = {file: file_problem(file) for file in candidates}
        searched = " and ".join(map(str, problems))
        found = f"{NO_SUCH_FILE}; searched {searched}"
        for file, problem in problems.items():
            if problem is None:
                return file
            if problem != NO_SUCH_FILE:
                found = f"{file}: {problem}"
        raise DataError(f"dataset.path: {found}; give the path of an .npz file with {', '.join(_ARRAYS)}")


@lru_cache
def _read_info(file: Path, modified_ns: int) -> DatasetInfo:
    """Read a file once for all cells of a study. The images are not kept: training maps them from a cache."""
    labelled = _read_labelled(file)
    train, test = _number_classes(labelled)
    _, side, _, channels = train.images.shape
    classes = int(train.labels.max()) + 1
    return DatasetInfo(
        title=re.sub(r"[^\w .+-]", "_", file.stem),
        image=ImageShape(channels=channels, side=side, classes=classes),
        train_images=len(train),
        test_images=len(test),
        fingerprint=compute_fingerprint(train, test),
        labels=tuple(np.unique(labelled.train.labels).tolist()),
        train_per_class=train.count_classes(classes),
        test_per_class=test.count_classes(classes),
    )


def _number_classes(splits: Splits) -> Splits:
    """Return the splits with the classes 0 to k-1 in place of the k labels of the training images."""
    labels = np.unique(splits.train.labels)
    return Splits(
        *(Split(split.images, np.searchsorted(labels, split.labels).astype(np.uint8)) for split in splits)
    )


def _read_labelled(file: Path) -> Splits:
    """Read the arrays of a file with its own labels, in canonical order."""
    arrays = _read_arrays(file)
    train, test = (
        _make_split(file, split, images=arrays[f"{split}_images"], labels=arrays[f"{split}_labels"])
        for split in ("train", "test")
    )
    _check_agreement(file, train, test=test)
    return Splits(train, test)


def _read_arrays(file: Path) -> dict[str, np.ndarray]:
    try:
        if not is_zipfile(file):
            raise ValueError("not a zip archive")
        with np.load(file, allow_pickle=False) as arrays:
            missing = [name for name in _ARRAYS if name not in arrays]
            if missing:
                raise DataError(f"{file}: has no array {', '.join(missing)}; expected {', '.join(_ARRAYS)}")
            _check_sizes(arrays.zip)
            return {name: arrays[name] for name in _ARRAYS}
    except DataError:
        raise
    except Exception as error:  # damage makes the readers of archives and of arrays raise almost anything
        hint = "write it with numpy.savez_compressed"
        raise DataError(f"{file}: cannot be read as .npz ({shorten(str(error))}); {hint}") from error


def _check_sizes(archive: ZipFile) -> None:
    """Check that each array has the shape that its header claims, before memory for this shape is allocated.

    Raises:
        ValueError: an array is larger or smaller than its header claims.
    """
    for name in _ARRAYS:
        entry = archive.getinfo(f"{name}.npy")
        with archive.open(entry) as file:
            version = npy.read_magic(file)
            read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = read_header(file)
            claimed, present = prod(shape) * dtype.itemsize, entry.file_size - file.tell()
        if claimed != present and not dtype.hasobject:
            raise ValueError(f"{name} has {present:,} bytes, and its header claims {claimed:,} for {shape}")


def _make_split(file: Path, split: str, *, images: np.ndarray, labels: np.ndarray) -> Split:
    if images.ndim == 3:
        images = images[..., None]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != images.shape[2] or not images.size:
        raise DataError(
            f"{file}: {split}_images: expected uint8 of shape [images, side, side] or "
            f"[images, side, side, channels] with at least one image, got {images.dtype} {images.shape}"
        )
    is_integer = np.issubdtype(labels.dtype, np.integer)
    if labels.shape != (len(images),) or not is_integer or labels.min() < 0 or labels.max() > 255:
        is_number = np.issubdtype(labels.dtype, np.number) and labels.size
        span = f" from {labels.min()} to {labels.max()}" if is_number else ""
        raise DataError(
            f"{file}: {split}_labels: expected {len(images)} integers from 0 to 255, "
            f"got {labels.dtype} {labels.shape}{span}"
        )
    return sort_canonically(Split(images, labels.astype(np.uint8)))


def _check_agreement(file: Path, train: Split, *, test: Split) -> None:
    train_shape, test_shape = train.images.shape[1:], test.images.shape[1:]
    if train_shape != test_shape:
        raise DataError(
            f"{file}: train_images and test_images differ in shape: {train_shape} and {test_shape}"
        )
    train_labels, test_labels = (set(np.unique(split.labels).tolist()) for split in (train, test))
    if len(train_labels) < 2:
        raise DataError(f"{file}: train_labels: expected at least two classes, got only {min(train_labels)}")
    if unknown := sorted(test_labels - train_labels)[:_MAX_LISTED_LABELS]:
        raise DataError(f"{file}: test_labels contain {unknown}, which train_labels do not contain")
