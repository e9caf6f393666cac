"""Backend in a folder, on a local disk or on a network file system."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from scaling.errors import StoreError
from scaling.files import make_folder, sync, writing
from scaling.store.backend import (
    Backend,
    DamagedFileError,
    MissingFileError,
    OversizedFileError,
    StoredFile,
    naming_store_errors,
)
from scaling.store.paths import is_pack_folder

_WRITE_HINT = "choose a writable folder on a file system with hard links"
_LIST_HINT = "the store must be a folder that you may read"
_NO_FOLDER_HINT = "a file stands in the place of a folder of the store; move that file elsewhere"
_READ_HINT = "check that it exists and that you may read it"
_STALE_ATTEMPTS = 4
"""Number of calls before a stale handle of NFS is an error. Each call looks the name up again."""
_DAMAGED = (errno.EISDIR, errno.ENXIO, errno.ELOOP, errno.ENOTDIR, errno.EIO)
"""Errors of a folder, a pipe, a socket or a circular link in the place of a file, and of a damaged medium."""

_Result = TypeVar("_Result")


@dataclass(frozen=True)
class FolderBackend(Backend):
    """Files below ``root``. The first file that is written creates the folder."""

    root: Path
    option: str = "store"
    """Argument that an error of writing names."""

    def put_if_absent(self, path: str, data: bytes) -> bool:
        final = self.root / path
        with writing(final, hint=_WRITE_HINT, option=self.option, error=StoreError):
            if _retry_stale(final.exists):
                _retry_stale(lambda: sync(final.parent))  # its writer may not have synced it yet
                return False
            return _write_and_link(final, data)

    def get(self, path: str, *, max_bytes: int | None = None) -> bytes:
        name = self.full_name(path)
        with naming_store_errors(name, "read", hint=_READ_HINT):
            try:
                return _retry_stale(lambda: _read(self.root / path, max_bytes))
            except MemoryError:
                raise StoreError(
                    f"{name}: cannot be read (it does not fit into memory); use a machine with more memory"
                ) from None
            except OSError as error:
                if error.errno == errno.ENOENT and not _retry_stale((self.root / path).is_symlink):
                    raise MissingFileError(name) from None
                if error.errno in (errno.ENOENT, *_DAMAGED):
                    raise DamagedFileError(name, f"cannot be read ({error.strerror})") from error
                raise

    def get_all(
        self, paths: Sequence[str], *, max_bytes: int | None = None
    ) -> Iterator[bytes | MissingFileError | DamagedFileError]:
        return (self._get_or_error(path, max_bytes) for path in paths)

    def list_names(self, folder: str) -> list[str]:
        with self._naming_list_errors(folder):
            try:
                names = _retry_stale(lambda: [path.name for path in (self.root / folder).iterdir()])
            except FileNotFoundError:
                return []
        return sorted(name for name in names if not name.startswith("."))

    def list_files(self, folder: str) -> list[StoredFile]:
        with self._naming_list_errors(folder):
            return _retry_stale(lambda: list(self._walk(folder)))

    @contextmanager
    def _naming_list_errors(self, folder: str) -> Iterator[None]:
        """Turn an ``OSError`` of a listing into a ``StoreError`` that names the folder."""
        try:
            yield
        except OSError as error:
            is_file = isinstance(error, NotADirectoryError) and not self.root.is_file()
            hint = _NO_FOLDER_HINT if is_file else _LIST_HINT
            with naming_store_errors(self.full_name(folder), "listed", hint=hint):
                raise

    def _walk(self, folder: str) -> Iterator[StoredFile]:
        """Yield the files at any depth below a folder. What another process removes meanwhile is left out."""
        for directory, _, names in os.walk(self.root / folder, onerror=_raise_unless_missing):
            for file in (Path(directory, name) for name in names):
                with suppress(FileNotFoundError):
                    status = file.lstat()
                    path = file.relative_to(self.root).as_posix()
                    # A copy can keep the time of the last change, but not the time when it was made.
                    modified_s = max(status.st_mtime, status.st_ctime)
                    yield StoredFile(path=path, size=status.st_size, modified_s=modified_s)

    def move(self, path: str, target: str) -> None:
        final = self.root / target
        with writing(final, hint=_WRITE_HINT, option=self.option, error=StoreError):
            _retry_stale(lambda: make_folder(final.parent))
            try:
                _retry_stale(lambda: (self.root / path).rename(final))
            except FileNotFoundError:
                # NFS can rename the file, lose the answer and repeat the request.
                if not _retry_stale(final.exists):
                    raise
            for folder in (final.parent, (self.root / path).parent):
                _retry_stale(partial(sync, folder))

    def remove_empty_folders(self, folder: str, *, before_s: float) -> list[str]:
        removed = []
        for directory, _, _ in os.walk(self.root / folder, topdown=False):
            path = Path(directory)
            name = path.relative_to(self.root).as_posix()
            with suppress(OSError):  # not empty, or already gone
                if is_pack_folder(name) and path.stat().st_ctime < before_s:
                    path.rmdir()
                    removed.append(name)
        return removed

    def exists(self, path: str) -> bool:
        with naming_store_errors(self.full_name(path), "read", hint=_READ_HINT):
            return _retry_stale((self.root / path).exists)

    def delete(self, path: str) -> None:
        hint = "the store must be a folder that you may write to"
        with naming_store_errors(self.full_name(path), "removed", hint=hint):
            _retry_stale(lambda: (self.root / path).unlink(missing_ok=True))

    def full_name(self, path: str) -> str:
        return str(self.root / path)


def _retry_stale(call: Callable[[], _Result]) -> _Result:
    """Return the result of a call, and repeat it while NFS says that it used a stale handle.

    Handles become stale when another machine removes or replaces a file or a folder, and when the server
    restarts.
    """
    for _ in range(_STALE_ATTEMPTS - 1):
        try:
            return call()
        except OSError as error:
            if error.errno != errno.ESTALE:
                raise
    return call()


def _raise_unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error


def _write_and_link(final: Path, data: bytes) -> bool:
    """Write a file beside its final name, then give it this name unless that is taken.

    Returns:
        True if the file has got the name.
    """
    # Hidden, because no listing shows hidden files: no file of a killed writer is ever visible.
    temporary = final.with_name(f".{uuid4().hex}")

    def write() -> None:
        make_folder(final.parent)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())

    try:
        _retry_stale(write)
        is_new = _link(temporary, final)
    finally:
        _retry_stale(lambda: temporary.unlink(missing_ok=True))
    _retry_stale(lambda: sync(final.parent))
    return is_new


def _read(file: Path, max_bytes: int | None) -> bytes:
    """Return the content of a regular file; a pipe in its place must not block."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        mode = status.st_mode
        if not stat.S_ISREG(mode):
            raise OSError(errno.EISDIR, "Is a directory" if stat.S_ISDIR(mode) else "Is not a regular file")
        if max_bytes is not None and status.st_size > max_bytes:
            raise OversizedFileError(str(file), status.st_size, max_bytes)
        with os.fdopen(descriptor, "rb", closefd=False) as content:
            return content.read()
    finally:
        os.close(descriptor)


def _link(temporary: Path, final: Path) -> bool:
    """Give a complete file its final name unless that is taken; a rename would replace an existing file."""
    try:
        _retry_stale(lambda: final.hardlink_to(temporary))
    except FileExistsError:
        # NFS can create the link, lose the answer and repeat the request: then the existing file is this one.
        return _retry_stale(temporary.stat).st_nlink == 2
    return True
