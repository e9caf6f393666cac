"""Where the files of a store lie. A file appears whole or not at all, and never changes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence


class Backend(ABC):
    """A folder or a bucket. Paths are relative to it, with slashes."""

    @abstractmethod
    def put_if_absent(self, path: str, data: bytes) -> bool:
        """Write a file unless it exists; among any number of writers exactly one is told True.

        Raises:
            StoreError: nothing can be written there.
        """

    @abstractmethod
    def get(self, path: str) -> bytes:
        """Read a file.

        Raises:
            StoreError: it doesn't exist or can't be read.
        """

    @abstractmethod
    def get_all(self, paths: Sequence[str]) -> Iterator[bytes]:
        """Read many files, in this order."""

    @abstractmethod
    def list_names(self, folder: str) -> list[str]:
        """The names of the files in a folder, sorted; none where there is no such folder."""

    @abstractmethod
    def exists(self, path: str) -> bool:
        """Whether there is such a file."""

    @abstractmethod
    def delete(self, path: str) -> None:
        """Remove a file; nothing happens where it doesn't exist."""

    @abstractmethod
    def full_name(self, path: str) -> str:
        """The file's full name, for messages."""
