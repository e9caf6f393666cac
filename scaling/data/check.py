"""Check of a data set: sizes, classes, repeated images, and moments of the pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scaling.data.load import load
from scaling.datasets import Dataset, DatasetInfo, Split, pixel_digests


@dataclass(frozen=True, kw_only=True)
class Duplicates:
    """Images with the pixels of another image."""

    train: int
    """Training images that repeat another training image; of n equal images, n - 1 do."""
    test: int
    """Test images that repeat another test image."""
    between: int
    """Test images that are also training images."""
    conflicting: int
    """Different pictures that occur with more than one label, in both splits together."""


@dataclass(frozen=True, kw_only=True)
class DatasetCheck:
    """Content of a data set, as ``scaling data check`` describes it."""

    dataset: Dataset
    """The data set."""
    info: DatasetInfo
    """Shape, sizes, classes and fingerprint."""
    duplicates: Duplicates
    """Images that occur more than once."""
    mean: tuple[float, ...]
    """Mean of the training pixels over 255, for each channel."""
    std: tuple[float, ...]
    """Standard deviation of the training pixels over 255, for each channel."""


def check_dataset(dataset: Dataset, folder: Path, *, cache: Path | None = None) -> DatasetCheck:
    """Read a data set, and describe what it holds. Nothing is downloaded.

    Args:
        dataset: the data set.
        folder: the data folder.
        cache: folder of decoded data sets; by default the user's cache folder.

    Raises:
        DataError: the data set is missing or unsuitable.
    """
    loaded = load(dataset, folder=folder, cache=cache, download=False)
    return DatasetCheck(
        dataset=dataset,
        info=loaded.info,
        duplicates=_find_duplicates(loaded.train, loaded.test),
        mean=tuple(loaded.mean.tolist()),
        std=tuple(loaded.std.tolist()),
    )


def _find_duplicates(train: Split, test: Split) -> Duplicates:
    digests = [pixel_digests(split.images) for split in (train, test)]
    different = [np.unique(split) for split in digests]
    labelled = np.rec.fromarrays(  # pairs of a picture and its label
        [np.concatenate(digests), np.concatenate([train.labels, test.labels])]
    )
    _, labels_of_picture = np.unique(np.unique(labelled)["f0"], return_counts=True)
    return Duplicates(
        train=len(train) - len(different[0]),
        test=len(test) - len(different[1]),
        between=int(np.isin(digests[1], different[0]).sum()),
        conflicting=int((labels_of_picture > 1).sum()),
    )
