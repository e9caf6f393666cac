"""Layouts of a data set's files, their location, and errors that name the file that cannot be decoded.

Files are searched in the data folder, then in the user's own data folder.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from platformdirs import user_data_path

from scaling.datasets.canonical import Split, Splits
from scaling.errors import DataError, shorten
from scaling.files import file_problem

# PIL raises SyntaxError for a broken PNG, and torchvision RuntimeError for a wrong checksum. pyarrow's errors
# are ValueErrors or OSErrors.
_DECODE_ERRORS = (
    OSError,
    ValueError,
    EOFError,
    TypeError,
    KeyError,
    IndexError,
    RuntimeError,
    SyntaxError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True, kw_only=True)
class SplitFiles:
    """Files of both splits."""

    train: list[Path]
    test: list[Path]


@dataclass(frozen=True)
class Layout:
    """Names of a data set's files, and the function that reads them."""

    names: str
    """Names of the files as a person would write them, for messages."""
    train: tuple[str, ...]
    """Patterns of the training files in the data folder; each must match, its matches are read in order."""
    test: tuple[str, ...]
    """Patterns of the test files."""
    read: Callable[[Sequence[Path]], Split]
    """Function from the files of a split to its images; raises a DataError that names a damaged file."""

    def locate(self, folder: Path) -> SplitFiles | None:
        """Return the files of both splits, or None if any file is missing."""
        train, test = (
            [sorted(folder.glob(pattern)) for pattern in patterns] for patterns in (self.train, self.test)
        )
        if not all(train + test):
            return None
        return SplitFiles(train=list(chain(*train)), test=list(chain(*test)))


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


def locate_layout(layouts: Sequence[Layout], folder: Path) -> DatasetFiles | None:
    """Return the files of a data set, or None if they are incomplete.

    Args:
        layouts: permitted layouts, the preferred one first.
        folder: the data folder; ``fallback_folder`` is searched next.
    """
    for candidate in (folder, fallback_folder()):
        for layout in layouts:
            if files := layout.locate(candidate):
                return DatasetFiles(candidate, layout, files.train, files.test)
    return None


def fallback_folder() -> Path:
    """Return the user's own data folder, which holds downloads if the data folder is read-only."""
    return user_data_path("scaling")


@contextmanager
def name_decode_errors(file: Path) -> Iterator[None]:
    """Turn a decoder's errors inside the block into an error that names the file.

    Raises:
        DataError: the file cannot be decoded.
    """
    if problem := file_problem(file):
        raise DataError(f"{file}: {problem}")
    try:
        yield
    except _DECODE_ERRORS as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise DataError(f"{file}: cannot be decoded ({shorten(lines[0])})") from error
