"""Interface of the place that holds a store's files.

A file appears as a whole or not at all, and never changes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from scaling.errors import StoreError

_REPAIR_HINT = "move it aside with: scaling store repair"


class MissingFileError(StoreError):
    """A file does not exist, or not any more."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name}: cannot be read (no such file); check that it exists and that you may read it"
        )


class DamagedFileError(StoreError):
    """A file does not hold what was published.

    Args:
        name: full name of the file.
        reason: what is wrong with the file.
    """

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"{name}: {reason}; {_REPAIR_HINT}")


class OversizedFileError(DamagedFileError):
    """A file is larger than any file that this software writes in its place."""

    def __init__(self, name: str, size: int, max_bytes: int) -> None:
        super().__init__(name, f"has {size:,} bytes, more than a file of a part can have ({max_bytes:,})")


@dataclass(frozen=True, kw_only=True)
class StoredFile:
    """A file of a store."""

    path: str
    """Path inside the store."""
    size: int
    """Number of bytes."""
    modified_s: float
    """Time of the last change in seconds since 1970, by the clock of the store."""


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
    def get(self, path: str, *, max_bytes: int | None = None) -> bytes:
        """Return the content of a file.

        Args:
            path: path of the file.
            max_bytes: size above which a file is damaged and is not read; by default there is no limit.

        Raises:
            MissingFileError: the file does not exist.
            DamagedFileError: in the place of the file is something else, or the medium is damaged.
            StoreError: the file cannot be read for another reason.
        """

    @abstractmethod
    def get_all(
        self, paths: Sequence[str], *, max_bytes: int | None = None
    ) -> Iterator[bytes | MissingFileError | DamagedFileError]:
        """Yield the contents of many files, in the given order.

        The error of a file that is missing or damaged takes the place of its content.

        Args:
            paths: paths of the files.
            max_bytes: size above which a file is damaged and is not read; by default there is no limit.

        Raises:
            StoreError: a file cannot be read for another reason.
        """

    @abstractmethod
    def list_names(self, folder: str) -> list[str]:
        """Return the sorted names of the files in a folder, without hidden ones; empty if there is none."""

    def _get_or_error(self, path: str, max_bytes: int | None) -> bytes | MissingFileError | DamagedFileError:
        try:
            return self.get(path, max_bytes=max_bytes)
        except (MissingFileError, DamagedFileError) as error:
            return error

    @abstractmethod
    def list_files(self, folder: str) -> list[StoredFile]:
        """Return the files at any depth below a folder, hidden and temporary ones included."""

    @abstractmethod
    def move(self, path: str, target: str) -> None:
        """Give a file, or whatever stands in its place, another path. ``target`` must not exist."""

    def remove_empty_folders(self, folder: str, *, before_s: float) -> list[str]:
        """Remove the empty folders below a folder that were last changed before a time.

        Returns:
            Paths of the folders; none in a backend without folders.
        """
        return []

    @abstractmethod
    def exists(self, path: str) -> bool:
        """Return whether the file exists."""

    @abstractmethod
    def delete(self, path: str) -> None:
        """Remove a file if it exists."""

    def delete_all(self, paths: Sequence[str]) -> None:
        """Remove those of many files that exist, in any order."""
        for path in paths:
            self.delete(path)

    @abstractmethod
    def full_name(self, path: str) -> str:
        """Return the absolute path or the URI of a file, for messages."""


@contextmanager
def naming_store_errors(name: str, action: str, *, hint: str) -> Iterator[None]:
    """Turn an ``OSError`` inside the block into a ``StoreError`` of one line that names the file.

    Args:
        name: full name of the file or the folder.
        action: past participle of what failed, such as ``read``.
        hint: what the user can do.

    Raises:
        StoreError: an ``OSError`` occurred inside the block.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error).partition("\n")[0]
        raise StoreError(f"{name}: cannot be {action} ({reason}); {hint}") from error
