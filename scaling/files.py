"""Files: reasons why one cannot be read, and durable writing, atomically and synced to the disk."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from time import time
from typing import BinaryIO
from uuid import uuid4

from scaling.errors import UsageError

_LEAST_AGE_S = 24 * 3600.0
"""Age from which the temporary file of a writer is taken for that of a dead one."""

NO_SUCH_FILE = "no such file"
_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT)


def file_problem(path: Path) -> str | None:
    """Return why a path cannot be read as a file, such as ``no such file``; None for a regular file.

    A pipe would make its reader wait for ever.
    """
    try:
        if path.is_file():
            return None
        if path.is_dir():
            return "is a folder"
        if path.exists():
            return "is a pipe or a device, not a file"
        return "is a link that leads nowhere" if path.is_symlink() else NO_SUCH_FILE
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def folder_problem(path: Path) -> str | None:
    """Return why a path cannot be read as a folder, such as ``no such file``; None for a folder."""
    try:
        if path.is_dir():
            return None
        if path.exists():
            return "is not a folder"
        return "is a link that leads nowhere" if path.is_symlink() else NO_SUCH_FILE
    except OSError as error:
        return f"cannot be read ({error.strerror})"


@contextmanager
def writing(
    path: Path | str, *, hint: str, option: str | None = None, error: type[UsageError] = UsageError
) -> Iterator[None]:
    """Turn an operating system error inside the block into an error that names the path.

    Args:
        path: file or folder that the block writes.
        hint: what the user can do, unless the disk is full.
        option: argument of the public function that holds the path.
        error: class that is raised.

    Raises:
        UsageError: of the class ``error``; the path cannot be written.
    """
    try:
        yield
    except OSError as failure:
        reason = failure.strerror or failure
        if failure.errno in _DISK_IS_FULL:
            hint = "free some space there, then run this again"
        path = Path(path)
        if path.name.startswith("."):  # a temporary file, which the user cannot know
            path = path.parent
        raise error(f"{path}: cannot be written ({reason}); {hint}", option=option) from failure


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that readers see the old content or the new content, never a part.

    Creates missing parent folders.

    Raises:
        OSError: the file cannot be written; then no temporary file is left behind.
    """
    with open_atomically(path) as file:
        file.write(data)


@contextmanager
def open_atomically(path: Path) -> Iterator[BinaryIO]:
    """Open a file for writing, and give it its name when the block ends without an error.

    Readers see the old content or the new content, never a part. Creates missing parent folders, and deletes
    what killed writers of the same file left at least a day ago.

    Raises:
        OSError: the file cannot be written; then no temporary file is left behind.
    """
    make_folder(path.parent)
    delete_abandoned_files(path.parent, escape(path.name))
    temporary = path.with_name(f".{path.name}-{uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync(path.parent)


def delete_abandoned_files(folder: Path, pattern: str = "*") -> None:
    """Delete the temporary files that killed writers left in a folder at least a day ago.

    Args:
        folder: folder of files that ``open_atomically`` wrote.
        pattern: pattern of the names of these files.
    """
    for temporary in folder.glob(f".{pattern}-{'[0-9a-f]' * 32}"):
        with suppress(OSError):  # another process deletes the file now, or the folder is read-only
            if time() - temporary.lstat().st_mtime >= _LEAST_AGE_S:
                temporary.unlink()


def make_folder(path: Path) -> None:
    """Create a folder and its missing parents, so that they survive a power failure.

    Raises:
        OSError: the folder cannot be created.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in filter(Path.is_symlink, missing):
        target = folder.readlink()
        raise FileNotFoundError(errno.ENOENT, f"the link {folder} leads to {target}, which does not exist")
    path.mkdir(parents=True, exist_ok=True)
    for folder in missing:
        sync(folder.parent)


def sync(path: Path) -> None:
    """Make a file's content, or the names in a folder, survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
