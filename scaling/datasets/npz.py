"""A data set of the user's own: one .npz file of four arrays.

train_images  uint8, [images, side, side] or [images, side, side, channels]
train_labels  whole numbers from 0, below 256
test_images, test_labels  likewise
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from zipfile import BadZipFile, is_zipfile
from zlib import error as ZlibError

import numpy as np
from pydantic import Field

from scaling.datasets.base import Dataset, DatasetInfo
from scaling.datasets.canonical import Split, compute_fingerprint, sort_canonically
from scaling.errors import DataError
from scaling.settings import ImageShape

SHOWN = 5
"""Labels that a message lists."""
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")


class NpzDataset(Dataset):
    """Square images from ``path``; what is hashed into a run's identity is their content, never the path."""

    type: Literal["npz"] = "npz"
    path: Annotated[str, Field(min_length=1)]
    """Of the .npz file; a relative one is looked for in the working folder, then in the data folder."""

    def info(self, folder: Path) -> DatasetInfo:
        file = self._file(folder)
        return _facts(file, file.stat().st_mtime_ns)

    def splits(self, folder: Path) -> tuple[Split, Split]:
        """Training and test split, in canonical order.

        Raises:
            DataError: no such file, or its arrays are not as described above.
        """
        return _read(self._file(folder))

    def _file(self, folder: Path) -> Path:
        candidates = [Path(self.path).expanduser(), folder / self.path]
        for file in candidates:
            with suppress(OSError):  # a name that is too long, or a folder that may not be looked into
                if file.is_file():
                    return file
        places = " nor ".join(dict.fromkeys(map(str, candidates)))
        raise DataError(
            f"dataset.path: no such file: {places}; it must name an .npz file with {', '.join(ARRAYS)}"
        )


@lru_cache
def _facts(file: Path, modified: int) -> DatasetInfo:
    """A study asks once a cell. The images themselves are not kept: training maps them from a cache."""
    train, test = _read(file)
    return DatasetInfo(
        title=file.stem,
        image=ImageShape(
            train.images.shape[3], train.images.shape[1], int(max(train.labels.max(), test.labels.max())) + 1
        ),
        train_images=len(train),
        test_images=len(test),
        fingerprint=compute_fingerprint(train, test),
    )


def _read(file: Path) -> tuple[Split, Split]:
    try:
        if not is_zipfile(file):
            raise ValueError("not a zip archive")
        with np.load(file, allow_pickle=False) as arrays:
            missing = [name for name in ARRAYS if name not in arrays]
            if missing:
                raise DataError(
                    f"{file}: has no array {', '.join(missing)}; it must hold {', '.join(ARRAYS)}"
                )
            splits = [
                _split(file, split, arrays[f"{split}_images"], arrays[f"{split}_labels"])
                for split in ("train", "test")
            ]
    except (BadZipFile, ZlibError, ValueError, EOFError, OSError) as error:
        raise DataError(
            f"{file}: can't be read as .npz ({error}); make it with numpy.savez_compressed"
        ) from error
    if splits[0].images.shape[1:] != splits[1].images.shape[1:]:
        raise DataError(
            f"{file}: train_images and test_images differ in shape: {splits[0].images.shape[1:]} and {splits[1].images.shape[1:]}"
        )
    taught, asked = (set(np.unique(split.labels).tolist()) for split in splits)
    if len(taught) < 2:
        raise DataError(f"{file}: train_labels are all {min(taught)}; there must be at least two classes")
    if strangers := asked - taught:
        raise DataError(
            f"{file}: test_labels hold {sorted(strangers)[:SHOWN]}, of which train_labels have no image"
        )
    return splits[0], splits[1]


def _split(file: Path, split: str, images: np.ndarray, labels: np.ndarray) -> Split:
    if images.ndim == 3:
        images = images[..., None]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != images.shape[2] or not images.size:
        raise DataError(
            f"{file}: {split}_images must be uint8 of [images, side, side], channels last if any and at least one image, "
            f"not {images.dtype} {images.shape}"
        )
    if (
        labels.shape != (len(images),)
        or not np.issubdtype(labels.dtype, np.integer)
        or labels.min() < 0
        or labels.max() > 255
    ):
        span = (
            f" from {labels.min()} to {labels.max()}"
            if np.issubdtype(labels.dtype, np.number) and labels.size
            else ""
        )
        raise DataError(
            f"{file}: {split}_labels must be {len(images)} whole numbers from 0 to 255, not {labels.dtype} {labels.shape}{span}"
        )
    return sort_canonically(Split(images, labels.astype(np.uint8)))
