"""Download of a data set's files that are not on this machine."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from http.client import HTTPException
from pathlib import Path

from scaling.data.sources.locate import FileSource, locate_files
from scaling.datasets.readers import DatasetFiles, fallback_folder
from scaling.errors import DataError
from scaling.temporary_folder import temporary_folder

_TIMEOUT_S = 30.0
"""Time for which a server may be silent."""


def locate_or_download(source: FileSource, folder: Path, *, download: bool) -> DatasetFiles:
    """Return the files of a data set, after downloading them if they are missing and ``download`` is true.

    Args:
        source: the data set.
        folder: the data folder. If it is read-only, a download goes to the user's own data folder.
        download: download missing files.

    Raises:
        DataError: the files are missing and cannot be downloaded.
    """
    if files := locate_files(source, folder):
        return files
    reason = "and was not to be downloaded"
    if download:
        try:
            _download(source, folder if _is_writable(folder) else fallback_folder())
        except (OSError, RuntimeError, HTTPException) as error:
            # torchvision reports each mirror on separate lines; the last line is the latest mirror.
            lines = str(error).strip().splitlines() or [type(error).__name__]
            reason = f"and cannot be downloaded ({lines[-1]})"
    if files := locate_files(source, folder):
        return files
    names = " or ".join(dict.fromkeys(layout.names for layout in source.layouts))
    raise DataError(
        f"{folder}: {source.name} is not there {reason}\n"
        f"run `scaling data {source.name}` on a machine with network, or put {names} into that folder;"
        " `data` or SCALING_DATA names another folder"
    )


def _download(source: FileSource, folder: Path) -> None:
    """Download into a scratch folder, then move the files.

    No files remain after an interrupted download, those of a killed one are deleted by the next download, and
    concurrent downloads do not harm each other.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with temporary_folder(folder) as scratch, _socket_timeout(_TIMEOUT_S):
        # The progress bar goes to stderr. Some versions of torchvision print to stdout, which is for the
        # command's own output.
        with redirect_stdout(io.StringIO()):
            source.download(scratch)
        files = source.layouts[0].locate(scratch)
        for file in {*files.train, *files.test} if files else ():
            target = folder / file.relative_to(scratch)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)


def _is_writable(folder: Path) -> bool:
    """Return whether a file can be written in the folder. (Permissions do not reveal a read-only mount.)"""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with temporary_folder(folder):
            return True
    except OSError:
        return False


@contextmanager
def _socket_timeout(timeout_s: float) -> Iterator[None]:
    """Limit the wait for a server: urllib waits forever by default, and torchvision has no timeout option."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(timeout_s)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
