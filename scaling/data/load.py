"""A data set that is ready to be trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from scaling.data import cache as disk
from scaling.data.cached_arrays import CachedArrays, content
from scaling.data.decode import decode
from scaling.datasets import Dataset, DatasetInfo, Split, Synthetic, stratified_order
from scaling.errors import DataError


@dataclass(frozen=True, eq=False)
class LoadedDataset:
    """Memory-mapped images, and which of them are for what.

    Args:
        facts: what is known of the set; the fingerprint is verified.
        train: the whole training split in canonical order.
        test: the test split in canonical order.
        train_index: int64, [used], rising: the images of ``train`` that are trained on.
        validation_index: int64, [validation], rising: those held out; empty with ``validation: 0``.
        mean: float64, [channels], of all pixels of ``train`` over 255: the same for every subset.
        std: likewise.
    """

    info: DatasetInfo
    train: Split
    test: Split
    train_index: NDArray[np.int64]
    validation_index: NDArray[np.int64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]


def cache_folder(info: DatasetInfo, cache: Path | None) -> Path:
    """The folder of a set in a cache; by default the user's."""
    return (cache or user_cache_path("scaling") / "datasets") / info.fingerprint


def load(
    dataset: Dataset, *, folder: Path, cache: Path | None = None, download: bool = True, verify: bool = False
) -> LoadedDataset:
    """Make a data set ready: from the cache, else from its source by way of the cache.

    Args:
        dataset: which, and how much of it.
        folder: the data folder; it may be read-only.
        cache: where decoded sets lie; by default in the user's cache folder. One that can't be written is done without.
        download: fetch files that are missing.
        verify: compare what is cached with its fingerprint, and decode it again where it is damaged.

    Raises:
        DataError: missing and not to be had, damaged, or too small for the split that is wanted.
    """
    info = dataset.info(folder)
    if problem := dataset.problem(info):
        raise DataError(f"dataset.{problem.field}: {problem.text}")
    known = _content(dataset, info, folder, cache, download=download, verify=verify)
    order = stratified_order(known.train.labels).astype(np.int64)
    held_out, used = order[: dataset.validation], order[dataset.validation :][: dataset.train_size(info)]
    # Sorted: the order of training is drawn anew in each epoch, and memory is read more in its own order.
    return LoadedDataset(
        info, known.train, known.test, np.sort(used), np.sort(held_out), known.mean, known.std
    )


def _content(
    dataset: Dataset, info: DatasetInfo, folder: Path, cache: Path | None, *, download: bool, verify: bool
) -> CachedArrays:
    if isinstance(dataset, Synthetic):
        return content(*dataset.splits())  # made in less time than it is read
    place = cache_folder(info, cache)
    return disk.read(place, verify=verify) or disk.write(
        place, content(*decode(dataset, info, folder, download=download))
    )
