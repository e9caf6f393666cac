"""Location of a data set's files: in the data folder, then in the user's own data folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

from scaling.data.sources.layout import Layout
from scaling.datasets import Splits


@dataclass(frozen=True)
class FileSource:
    """A published data set that consists of files."""

    name: str
    """Name for ``scaling data NAME``."""
    layouts: tuple[Layout, ...]
    """Permitted layouts of the files, the preferred one first; a download has the first layout."""
    download: Callable[[Path], None]
    """Function that downloads the files into a folder, through torchvision."""


@dataclass(frozen=True)
class DatasetFiles:
    """Files of a data set on this machine."""

    folder: Path
    """Data folder that holds the files."""
    layout: Layout
    train: list[Path]
    test: list[Path]

    def read(self) -> Splits:
        """Return the training and the test split in the order of the files.

        Raises:
            DataError: a file is damaged.
        """
        return Splits(train=self.layout.read(self.train), test=self.layout.read(self.test))


def locate_files(source: FileSource, folder: Path) -> DatasetFiles | None:
    """Return the files of a data set, or None if they are incomplete.

    Args:
        source: the data set.
        folder: the data folder; ``fallback_folder`` is searched next.
    """
    for candidate in (folder, fallback_folder()):
        for layout in source.layouts:
            if files := layout.locate(candidate):
                return DatasetFiles(candidate, layout, files.train, files.test)
    return None


def fallback_folder() -> Path:
    """Return the user's own data folder, which holds downloads if the data folder is read-only."""
    return user_data_path("scaling")
