"""Loading of a data set for training: from the cache, or from its source."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scaling.data.cache import cache_folder, read_cache, write_cache
from scaling.data.cached_arrays import CachedArrays
from scaling.data.decode import decode_splits
from scaling.data.derive import derive_splits
from scaling.datasets import (
    Dataset,
    DatasetInfo,
    DerivedDataset,
    Split,
    Splits,
    Synthetic,
    restrict_split,
    stratified_order,
)
from scaling.errors import DataError


@dataclass(frozen=True, eq=False)
class LoadedDataset:
    """Memory-mapped images, and their division into training, validation and test images."""

    info: DatasetInfo
    """Shape, sizes and verified fingerprint."""
    train: Split
    """Whole training split of the classes in use, in canonical order."""
    test: Split
    """Test split of the classes in use, in canonical order."""
    train_index: NDArray[np.int64]
    """Ascending indices of the images of ``train`` that are trained on: [used]."""
    validation_index: NDArray[np.int64]
    """Ascending indices of the images of ``train`` that are held out; empty with ``validation: 0``."""
    mean: NDArray[np.float64]
    """Mean of all training pixels over 255, equal for every subset and for any classes: [channels]."""
    std: NDArray[np.float64]
    """Standard deviation of the same pixels over 255: [channels]."""


def load(
    dataset: Dataset, *, folder: Path, cache: Path | None = None, download: bool = True, verify: bool = False
) -> LoadedDataset:
    """Load a data set from the cache, or from its source, which fills the cache.

    Args:
        dataset: the data set, and how much of it is used.
        folder: the data folder; it may be read-only.
        cache: folder of decoded data sets; by default the user's cache folder. Without a writable cache, the
            arrays stay in memory.
        download: download missing files.
        verify: check the fingerprint of the cached content, and decode damaged content again.

    Raises:
        DataError: the data set is missing, damaged, or too small for the requested split.
    """
    info = dataset.info(folder)
    if problem := dataset.problem(info):
        raise DataError(f"dataset.{problem.field}: {problem.text}")
    arrays = _load_arrays(dataset, info, folder, cache, download=download, verify=verify)
    order = stratified_order(arrays.train.labels).astype(np.int64)
    held_out, used = order[: dataset.validation], order[dataset.validation :][: dataset.train_size(info)]
    # Ascending, because training draws a new order in each epoch and memory is read faster in its own order.
    return LoadedDataset(
        info=info,
        train=arrays.train,
        test=arrays.test,
        train_index=np.sort(used),
        validation_index=np.sort(held_out),
        mean=arrays.mean,
        std=arrays.std,
    )


def _load_arrays(
    dataset: Dataset, info: DatasetInfo, folder: Path, cache: Path | None, *, download: bool, verify: bool
) -> CachedArrays:
    """Return the arrays of the classes in use, from the cache if they are there."""
    if not info.classes_in_use:
        return _load_all_classes(dataset, info, folder, cache, download=download, verify=verify)
    cached = cache_folder(info, cache)
    if not isinstance(dataset, Synthetic) and (arrays := read_cache(cached, verify=verify)) is not None:
        return arrays
    whole = _load_all_classes(
        dataset, dataset.whole_info(folder), folder, cache, download=download, verify=verify
    )
    train, test = (restrict_split(split, info.classes_in_use) for split in (whole.train, whole.test))
    arrays = replace(whole, train=train, test=test)
    return arrays if isinstance(dataset, Synthetic) else write_cache(cached, arrays, is_computed=True)


def _load_all_classes(
    dataset: Dataset, info: DatasetInfo, folder: Path, cache: Path | None, *, download: bool, verify: bool
) -> CachedArrays:
    if isinstance(dataset, Synthetic):
        return CachedArrays.from_splits(*dataset.splits())  # faster than reading a file
    cached = cache_folder(info, cache)
    if (arrays := read_cache(cached, verify=verify)) is not None:
        return arrays
    if isinstance(dataset, DerivedDataset):
        of = dataset.of
        images = _load_all_classes(of, of.whole_info(folder), folder, cache, download=download, verify=verify)
        derived = derive_splits(Splits(images.train, images.test), dataset, info=info)
        return write_cache(cached, CachedArrays.from_splits(*derived), is_computed=True)
    splits = decode_splits(dataset, info, folder, download=download)
    return write_cache(cached, CachedArrays.from_splits(*splits))
