"""Temporary folders. What a killed process leaves, the next process that needs such a folder deletes."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from time import sleep

from scaling import interruption

PREFIX = "scaling-"
"""First letters of the name of each folder."""
NAME_LENGTH = len(PREFIX) + 8
"""Number of letters in the name of a folder."""
_LOCK = "scaling-studies.lock"
"""File in each folder that its process keeps locked; the system unlocks it when the process ends."""
_MARK = "This folder belongs to a process of scaling-studies. It may be deleted when the process has ended.\n"
"""Content of the file, by which a folder of this package is known."""
_DELETION_ATTEMPTS = 50
_PAUSE_S = 0.1


@contextmanager
def temporary_folder(parent: Path | None = None) -> Iterator[Path]:
    """Create a folder that only this user can read, and delete it at the end of the block.

    Folders beside it that processes of this user left when they were killed are deleted as well.

    Args:
        parent: folder in which to create it; by default the system's folder for temporary files.

    Raises:
        OSError: no folder can be created there.
    """
    parent = parent or Path(gettempdir())
    delete_abandoned_folders([parent])
    folder = Path(mkdtemp(prefix=PREFIX, dir=parent))
    with (folder / f".{_LOCK}").open("w") as lock:
        try:
            with suppress(OSError):  # a file system without locks: no process deletes the folder after a kill
                lock.write(_MARK)
                lock.flush()
                fcntl.flock(lock, fcntl.LOCK_EX)
                # The name that others look for appears only now that the file is locked.
                Path(lock.name).rename(folder / _LOCK)
            yield folder
        finally:
            with interruption.deferred(), suppress(OSError):  # a cleaner of old files may have deleted it
                _delete(folder)


def parent_folders() -> list[Path]:
    """Return the folders in which temporary folders may be created, the preferred one first."""
    parents = [os.environ.get("RAY_TMPDIR"), _system_folder(), "/tmp"]
    return [Path(parent) for parent in dict.fromkeys(parents) if parent]


def _system_folder() -> str | None:
    """Return the system's folder for temporary files; None if it has none that can be written."""
    with suppress(OSError):
        return gettempdir()
    return None


def delete_abandoned_folders(parents: Sequence[Path] | None = None) -> None:
    """Delete the temporary folders that processes of this user left when they were killed.

    Args:
        parents: folders in which to look; by default ``parent_folders()``.
    """
    locks = (parent.glob(f"{PREFIX}*/{_LOCK}") for parent in parents or parent_folders())
    for path in chain.from_iterable(locks):
        with suppress(OSError):  # the lock of a living process, or a folder that another process deletes now
            if path.parent.is_symlink() or path.parent.stat().st_uid != os.geteuid():
                continue
            with path.open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                # Ray's processes outlive a killed driver by seconds, and create their folders again.
                if lock.read() == _MARK and not _is_named_by_a_process(path.parent):
                    _delete(path.parent)


def _is_named_by_a_process(folder: Path) -> bool:
    """Return whether the command line of a living process names a folder or a file in it."""
    import psutil  # imported here, because it is rarely needed

    command_lines = (process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"]))
    return any(str(folder) in argument for line in command_lines for argument in line)


def _delete(folder: Path) -> None:
    """Delete a folder, and its lock last. Processes that are ending may still write files there."""
    for _ in range(_DELETION_ATTEMPTS):
        for path in folder.iterdir():
            if path.name == _LOCK:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with suppress(OSError):
                    path.unlink()
        if all(path.name == _LOCK for path in folder.iterdir()) and _remove_empty(folder):
            return
        sleep(_PAUSE_S)


def _remove_empty(folder: Path) -> bool:
    """Remove a folder that held only its lock, and return whether it could be removed."""
    lock = folder / _LOCK
    lock.unlink(missing_ok=True)
    try:
        folder.rmdir()
    except OSError:
        # A file has been written meanwhile. Without the lock, no process would delete the folder later.
        with suppress(OSError):
            lock.write_text(_MARK)
        return False
    return True
