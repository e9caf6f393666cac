"""Layout of a data set's files in a data folder, and errors that name the file that cannot be decoded."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from scaling.datasets import Split
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
