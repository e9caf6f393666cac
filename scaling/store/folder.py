"""Backend in a folder, on a local disk or on a network file system."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from scaling.errors import StoreError
from scaling.files import make_folder, sync, writing
from scaling.store.backend import (
    Backend,
    DamagedFileError,
    MissingFileError,
    StoredFile,
    naming_store_errors,
)

_WRITE_HINT = "choose a writable folder on a file system with hard links"
_READ_HINT = "check that it exists and that you may read it"
_MISSING = (errno.ENOENT, errno.ESTALE)
"""Errors of a file that does not exist; on NFS, of a file that another machine removed."""
_DAMAGED = (errno.EISDIR, errno.ENXIO, errno.ELOOP, errno.ENOTDIR, errno.EIO)
"""Errors of a folder, a pipe, a socket or a circular link in the place of a file, and of a damaged medium."""


@dataclass(frozen=True)
class FolderBackend(Backend):
    """Files below ``root``. The first file that is written creates the folder."""

    root: Path

    def put_if_absent(self, path: str, data: bytes) -> bool:
        final = self.root / path
        if final.exists():
            with writing(final, hint=_WRITE_HINT, option="store", error=StoreError):
                sync(final.parent)  # its writer may not have synced it yet
            return False
        # Hidden, because no listing shows hidden files: no file of a killed writer is ever visible.
        temporary = final.with_name(f".{uuid4().hex}")
        with writing(final, hint=_WRITE_HINT, option="store", error=StoreError):
            make_folder(final.parent)
            try:
                with temporary.open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                is_new = _link(temporary, final)
            finally:
                temporary.unlink(missing_ok=True)
            sync(final.parent)
        return is_new

    def get(self, path: str) -> bytes:
        name = self.full_name(path)
        with naming_store_errors(name, "read", hint=_READ_HINT):
            try:
                return _read(self.root / path)
            except OSError as error:
                if error.errno in _MISSING and not (self.root / path).is_symlink():
                    raise MissingFileError(name) from None
                if error.errno in (*_MISSING, *_DAMAGED):
                    raise DamagedFileError(name, f"cannot be read ({error.strerror})") from error
                raise

    def get_all(self, paths: Sequence[str]) -> Iterator[bytes | MissingFileError | DamagedFileError]:
        return map(self._get_or_error, paths)

    def list_names(self, folder: str) -> list[str]:
        hint = "the store must be a folder that you may read"
        with naming_store_errors(self.full_name(folder), "listed", hint=hint):
            try:
                with os.scandir(self.root / folder) as files:
                    return sorted(file.name for file in files if not file.name.startswith("."))
            except FileNotFoundError:
                return []

    def list_files(self, folder: str) -> list[StoredFile]:
        files = []
        for directory, _, names in os.walk(self.root / folder):
            for file in (Path(directory, name) for name in names):
                with suppress(FileNotFoundError):
                    status = file.lstat()
                    path = file.relative_to(self.root).as_posix()
                    files.append(StoredFile(path=path, size=status.st_size, modified_s=status.st_mtime))
        return files

    def move(self, path: str, target: str) -> None:
        final = self.root / target
        with writing(final, hint=_WRITE_HINT, option="store", error=StoreError):
            make_folder(final.parent)
            (self.root / path).rename(final)
            sync(final.parent)
            sync((self.root / path).parent)

    def remove_empty_folders(self, folder: str, *, before_s: float) -> list[str]:
        removed = []
        for directory, _, _ in os.walk(self.root / folder, topdown=False):
            path = Path(directory)
            with suppress(OSError):  # not empty, or already gone
                if path != self.root / folder and path.stat().st_mtime < before_s:
                    path.rmdir()
                    removed.append(path.relative_to(self.root).as_posix())
        return removed

    def exists(self, path: str) -> bool:
        return (self.root / path).exists()

    def delete(self, path: str) -> None:
        hint = "the store must be a folder that you may write to"
        with naming_store_errors(self.full_name(path), "removed", hint=hint):
            (self.root / path).unlink(missing_ok=True)

    def full_name(self, path: str) -> str:
        return str(self.root / path)


def _read(file: Path) -> bytes:
    """Return the content of a regular file; a pipe in its place must not block."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EISDIR, "Is a directory" if stat.S_ISDIR(mode) else "Is not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as content:
            return content.read()
    finally:
        os.close(descriptor)


def _link(temporary: Path, final: Path) -> bool:
    """Give a complete file its final name unless that is taken; a rename would replace an existing file."""
    try:
        final.hardlink_to(temporary)
    except FileExistsError:
        # NFS can create the link, lose the answer and repeat the request: then the existing file is this one.
        return temporary.stat().st_nlink == 2
    return True
