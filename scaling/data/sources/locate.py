"""Source of a published data set: its files in the data folder, and their download."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scaling.datasets.readers import DatasetFiles, Layout, locate_layout


@dataclass(frozen=True)
class FileSource:
    """A published data set that consists of files."""

    name: str
    """Name for ``scaling data NAME``."""
    layouts: tuple[Layout, ...]
    """Permitted layouts of the files, the preferred one first; a download has the first layout."""
    download: Callable[[Path], None]
    """Function that downloads the files into a folder, through torchvision."""


def locate_files(source: FileSource, folder: Path) -> DatasetFiles | None:
    """Return the files of a data set, or None if they are incomplete.

    Args:
        source: the data set.
        folder: the data folder; the user's own data folder is searched next.
    """
    return locate_layout(source.layouts, folder)
