"""A user's own data set in one .npz file.

train_images  uint8, [images, height, width] or [images, height, width, channels]
train_labels  integers >= 0, [images] or [images, 1]
test_images   like train_images
test_labels   like train_labels
val_images    like train_images; these two may be missing
val_labels    like train_labels

Other names in use are understood too: x_train and y_train, as Keras writes them, and train_x and train_y.
Without train_images, images and labels are the training images.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.lib import format as npy

from scaling.datasets.own import LabelledImages, OwnContent, PathDataset
from scaling.datasets.own.content import MAX_LABEL
from scaling.datasets.own.splits import SPLIT_NAMES
from scaling.errors import DataError, shorten
from scaling.files import file_problem

_NAMES = (("{split}_images", "{split}_labels"), ("x_{split}", "y_{split}"), ("{split}_x", "{split}_y"))
"""Names of the images and the labels of a split, in the order of preference; case is ignored."""
_EXPECTED = "train_images, train_labels, test_images, test_labels"
_MAX_CHANNELS_FIRST = 4
"""Largest first axis of an image that is taken for channels."""
_MAX_SHOWN_NAMES = 8


class NpzDataset(PathDataset):
    """Images from an .npz file. A run's identity includes their content and not the path."""

    EXPECTED: ClassVar[str] = f"an .npz file with {_EXPECTED}"

    type: Literal["npz"] = "npz"

    @staticmethod
    def path_problem(path: Path) -> str | None:
        return file_problem(path)

    def files(self, folder: Path) -> Sequence[Path]:
        return [self.locate(folder)]

    def read(self, folder: Path) -> OwnContent:
        file = self.locate(folder)
        arrays = _read_arrays(file, draws_test=self.test_images is not None)
        found = {split: _make_split(file, names, arrays) for split, names in arrays.names.items()}
        train, test, notes = self.choose_splits(
            found, origin=str(file), hint=f"expected the arrays {_EXPECTED}"
        )
        image_names = ", ".join(images for images, _ in arrays.names.values())
        labels_of = {split: labels for split, (_, labels) in arrays.names.items()}
        return OwnContent(
            origin=str(file),
            title=file.stem,
            layout=f"npz with {image_names}",
            train=train,
            test=test,
            names=(labels_of["train"], labels_of.get("test", labels_of.get("val", labels_of["train"]))),
            notes=notes,
        )


@dataclass(frozen=True, eq=False)
class _Arrays:
    """Arrays of a file in use."""

    names: dict[str, tuple[str, str]]
    """Names of the images and the labels of each split."""
    values: dict[str, np.ndarray]


def _read_arrays(file: Path, *, draws_test: bool) -> _Arrays:
    try:
        if not zipfile.is_zipfile(file):
            raise ValueError("not a zip archive")
        with np.load(file, allow_pickle=False) as arrays:
            names = _find_names(file, arrays.files, draws_test=draws_test)
            used = [name for pair in names.values() for name in pair]
            _check_sizes(arrays.zip, used)
            return _Arrays(names, {name: arrays[name] for name in used})
    except DataError:
        raise
    except Exception as error:  # damage makes the readers of archives and of arrays raise almost anything
        hint = "write it with numpy.savez_compressed"
        raise DataError(f"{file}: cannot be read as .npz ({shorten(str(error))}); {hint}") from error


def _find_names(file: Path, present: Sequence[str], *, draws_test: bool) -> dict[str, tuple[str, str]]:
    """Return the names of the images and the labels of each split in a file.

    Raises:
        DataError: an array is missing.
    """
    given = {name.lower(): name for name in reversed(present)}
    candidates = [_names_of(patterns, given, draws_test=draws_test) for patterns in _NAMES]
    names = max(candidates, key=lambda found: sum(name in given for pair in found.values() for name in pair))
    missing = [name for pair in names.values() for name in pair if name not in given]
    if missing:
        shown = ", ".join(present[:_MAX_SHOWN_NAMES]) or "none"
        more = ", ..." if len(present) > _MAX_SHOWN_NAMES else ""
        draw = "; dataset.test_images: 1000 draws test images from the others"
        raise DataError(
            f"{file}: has no array {', '.join(missing)}; expected {_EXPECTED} (or x_train, y_train, ...), got"
            f" {shorten(shown)}{more}{draw if missing == list(names.get('test', ())) else ''}"
        )
    return {split: (given[images], given[labels]) for split, (images, labels) in names.items()}


def _names_of(
    patterns: tuple[str, str], given: Iterable[str], *, draws_test: bool
) -> dict[str, tuple[str, str]]:
    """Return the names of the arrays of each split by one pattern.

    Arrays of training and test images are expected; validation images can take the place of test images, and
    training images can if test images are drawn from them.
    """
    found: dict[str, tuple[str, str]] = {}
    for name, split in SPLIT_NAMES.items():
        images, labels = (pattern.format(split=name) for pattern in patterns)
        if images in given or labels in given:
            found.setdefault(split, (images, labels))
    whole = patterns[0].replace("{split}_", ""), patterns[1].replace("{split}_", "")  # images, labels
    if "train" not in found and all(name in given for name in whole):
        found["train"] = whole
    for split in ("train", "test"):
        if split not in found and (split == "train" or not ("val" in found or draws_test)):
            images, labels = (pattern.format(split=split) for pattern in patterns)
            found[split] = (images, labels)
    return found


def _check_sizes(archive: zipfile.ZipFile, names: Iterable[str]) -> None:
    """Check that each array has the shape that its header claims, before memory for this shape is allocated.

    Raises:
        ValueError: an array is larger or smaller than its header claims.
    """
    for name in names:
        entry = archive.getinfo(f"{name}.npy")
        with archive.open(entry) as file:
            version = npy.read_magic(file)
            read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = read_header(file)
            claimed, present = prod(shape) * dtype.itemsize, entry.file_size - file.tell()
        if claimed != present and not dtype.hasobject:
            raise ValueError(f"{name} has {present:,} bytes, and its header claims {claimed:,} for {shape}")


def _make_split(file: Path, names: tuple[str, str], arrays: _Arrays) -> LabelledImages:
    images, labels = (arrays.values[name] for name in names)
    image_name, label_name = names
    if images.ndim == 3:
        images = images[..., None]
    if images.dtype != np.uint8 or images.ndim != 4 or not images.size:
        hint = "; multiply values from 0 to 1 by 255" if np.issubdtype(images.dtype, np.floating) else ""
        raise DataError(
            f"{file}: {image_name}: expected uint8 of shape [images, height, width] or "
            f"[images, height, width, channels] with at least one image, got {images.dtype}"
            f" {images.shape}{hint}"
        )
    if images.shape[1] <= _MAX_CHANNELS_FIRST < images.shape[2] == images.shape[3]:
        raise DataError(
            f"{file}: {image_name}: the shape {images.shape} has its channels first; write"
            f" {image_name}.transpose(0, 2, 3, 1)"
        )
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    is_integer = np.issubdtype(labels.dtype, np.integer)
    if labels.shape != (len(images),) or not is_integer or labels.min() < 0 or labels.max() > MAX_LABEL:
        is_number = np.issubdtype(labels.dtype, np.number) and labels.size
        span = f" from {labels.min()} to {labels.max()}" if is_number else ""
        raise DataError(
            f"{file}: {label_name}: expected {len(images)} integers >= 0, got {labels.dtype}"
            f" {arrays.values[label_name].shape}{span}"
        )
    return LabelledImages(images, labels.astype(np.int64))
