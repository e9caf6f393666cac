"""A store in a folder, local or of a network file system."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from scaling.errors import StoreError
from scaling.store.backend import Backend


@dataclass(frozen=True)
class FolderBackend(Backend):
    """Files under ``root``, which is made when the first one is written."""

    root: Path

    def put_if_absent(self, path: str, data: bytes) -> bool:
        final = self.root / path
        if final.exists():
            return False
        temporary = final.with_name(
            f".{uuid4().hex}"
        )  # hidden, so what a killed writer leaves is never listed
        try:
            final.parent.mkdir(parents=True, exist_ok=True)
            try:
                with temporary.open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                new = _link(temporary, final)
            finally:
                temporary.unlink(missing_ok=True)
            _sync(final.parent)
        except OSError as error:
            raise StoreError(
                f"{final}: can't be written ({error.strerror or error}); --store must be a writable folder on a file system with hard links"
            ) from error
        return new

    def get(self, path: str) -> bytes:
        try:
            return (self.root / path).read_bytes()
        except OSError as error:
            raise StoreError(
                f"{self.full_name(path)}: can't be read ({error.strerror}); see that it exists and may be read"
            ) from error

    def get_all(self, paths: Sequence[str]) -> Iterator[bytes]:
        return map(self.get, paths)

    def list_names(self, folder: str) -> list[str]:
        try:
            with os.scandir(self.root / folder) as files:
                return sorted(file.name for file in files if not file.name.startswith("."))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(
                f"{self.root / folder}: can't be listed ({error.strerror}); --store must be a folder that may be read"
            ) from error

    def exists(self, path: str) -> bool:
        return (self.root / path).exists()

    def delete(self, path: str) -> None:
        try:
            (self.root / path).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(
                f"{self.full_name(path)}: can't be removed ({error.strerror}); --store must be a writable folder"
            ) from error

    def full_name(self, path: str) -> str:
        return str(self.root / path)


def _link(temporary: Path, final: Path) -> bool:
    """Give a finished file its name, unless that is taken; a rename would replace it."""
    try:
        final.hardlink_to(temporary)
    except FileExistsError:
        # NFS can make the link, lose the answer and ask again; then the file in the way is ours.
        return temporary.stat().st_nlink == 2
    return True


def _sync(folder: Path) -> None:
    """Make the names in a folder survive a power failure."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
