"""Published data sets: list them and download them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scaling.api._workspace import Workspace

if TYPE_CHECKING:
    from scaling.data import DatasetRow


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
