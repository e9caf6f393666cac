"""One way in which a set's files may lie in a data folder."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from scaling.datasets import Split
from scaling.errors import DataError

# PIL says SyntaxError of a broken PNG, torchvision RuntimeError of a wrong checksum; pyarrow's errors are ValueErrors or OSErrors.
FAULTS = (
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


@dataclass(frozen=True)
class Layout:
    """Files by name, and how to read them.

    Args:
        names: the files as a person would write them, for messages.
        train: patterns in the data folder; each must match, and the matches of one pattern are its parts in order.
        test: likewise.
        read: from the files of a split to its images and labels, in any order; raises DataError that names the file at fault.
    """

    names: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    read: Callable[[Sequence[Path]], Split]

    def locate(self, folder: Path) -> tuple[list[Path], list[Path]] | None:
        """The files of both splits, or None unless all are there."""
        train, test = (
            [sorted(folder.glob(pattern)) for pattern in patterns] for patterns in (self.train, self.test)
        )
        if not all(train + test):
            return None
        return list(chain(*train)), list(chain(*test))


@contextmanager
def name_decode_errors(file: Path) -> Iterator[None]:
    """Whatever goes wrong inside is this file's fault.

    Raises:
        DataError: instead of what a decoder raised.
    """
    try:
        yield
    except FAULTS as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise DataError(f"{file}: can't be decoded ({lines[0]})") from error
