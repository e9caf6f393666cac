"""Data sets: list and download those that are published, and check those of a user."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scaling.api._workspace import Workspace
from scaling.config import load_study
from scaling.datasets import Dataset, guess_dataset

if TYPE_CHECKING:
    from scaling.data import DatasetCheck, DatasetRow

_STUDY_SUFFIXES = (".yaml", ".yml")


def list_datasets(workspace: Workspace | None = None) -> list[DatasetRow]:
    """Return every published data set, with whether and where its files are on this machine."""
    from scaling import data

    return data.list_datasets((workspace or Workspace()).data)


def download_datasets(names: Sequence[str], workspace: Workspace | None = None) -> list[DatasetRow]:
    """Download, verify and cache data sets by name.

    Raises:
        DataError: a name is unknown, or a data set cannot be downloaded.
    """
    from scaling import data

    return [data.download_dataset(name, (workspace or Workspace()).data) for name in names]


def check_datasets(sources: Sequence[str], workspace: Workspace | None = None) -> list[DatasetCheck]:
    """Read data sets, and describe what they hold: classes, sizes, repeated images, moments of the pixels.

    Args:
        sources: YAML files of studies, .npz files, folders of images or of Parquet files, or names of
            published data sets.
        workspace: stores and folders.

    Raises:
        DataError: a data set is missing or unsuitable.
        ConfigError: a study is invalid.
    """
    from scaling import data

    folder = (workspace or Workspace()).data
    datasets: dict[Dataset, None] = {}
    for source in sources:
        if source.endswith(_STUDY_SUFFIXES):
            study = load_study(Path(source), data=folder)
            datasets |= dict.fromkeys(cell.dataset for cell in study.cells)
        else:
            datasets[guess_dataset(source)] = None
    return [data.check_dataset(dataset, folder) for dataset in datasets]
