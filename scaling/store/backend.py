"""Interface of the place that holds a store's files.

A file appears as a whole or not at all, and never changes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from scaling.errors import StoreError


class Backend(ABC):
    """A folder or a bucket. Paths are relative to the backend and use slashes."""

    @abstractmethod
    def put_if_absent(self, path: str, data: bytes) -> bool:
        """Write a file unless it exists.

        Returns:
            True if this call wrote the file. Among any number of concurrent writers, exactly one gets True.

        Raises:
            StoreError: the file cannot be written.
        """

    @abstractmethod
    def get(self, path: str) -> bytes:
        """Return the content of a file.

        Raises:
            StoreError: the file does not exist or cannot be read.
        """

    @abstractmethod
    def get_all(self, paths: Sequence[str]) -> Iterator[bytes]:
        """Yield the contents of many files, in the given order."""

    @abstractmethod
    def list_names(self, folder: str) -> list[str]:
        """Return the sorted names of the files in a folder; empty if there is no such folder."""

    @abstractmethod
    def exists(self, path: str) -> bool:
        """Return whether the file exists."""

    @abstractmethod
    def delete(self, path: str) -> None:
        """Remove a file if it exists."""

    @abstractmethod
    def full_name(self, path: str) -> str:
        """Return the absolute path or the URI of a file, for messages."""


@contextmanager
def naming_store_errors(
    name: str, action: str, *, hint: str, errors: tuple[type[Exception], ...] = (OSError,)
) -> Iterator[None]:
    """Turn a backend's own errors inside the block into a ``StoreError`` of one line that names the file.

    Args:
        name: full name of the file or the folder.
        action: past participle of what failed, such as ``read``.
        hint: what the user can do.
        errors: classes of errors that are translated.

    Raises:
        StoreError: one of ``errors`` occurred inside the block.
    """
    try:
        yield
    except errors as error:
        reason = (isinstance(error, OSError) and error.strerror) or str(error).partition("\n")[0]
        raise StoreError(f"{name}: cannot be {action} ({reason}); {hint}") from error
