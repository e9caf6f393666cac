"""Sets that lie in files: looked for in the data folder, then in the user's own, then downloaded."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory

from platformdirs import user_data_path

from scaling.data.sources.layout import Layout
from scaling.datasets import Split
from scaling.errors import DataError

PATIENCE = 30.0
"""Seconds that a server may be silent."""


@dataclass(frozen=True)
class FileSource:
    """How a published set is found, read and fetched.

    Args:
        name: of the set, as ``scaling data`` knows it.
        layouts: those it may lie in, the first one preferred; the download has the first one.
        download: torchvision's, into a folder.
    """

    name: str
    layouts: tuple[Layout, ...]
    download: Callable[[Path], None]


@dataclass(frozen=True)
class DatasetFiles:
    """The files of a set."""

    folder: Path
    layout: Layout
    train: list[Path]
    test: list[Path]

    def read(self) -> tuple[Split, Split]:
        """Both splits in the files' order.

        Raises:
            DataError: a file is damaged.
        """
        return self.layout.read(self.train), self.layout.read(self.test)


def locate(files: FileSource, folder: Path) -> DatasetFiles | None:
    """Look in the data folder, then where a download goes if that one is read-only."""
    for place in (folder, user_data_path("scaling")):
        for layout in files.layouts:
            if paths := layout.locate(place):
                return DatasetFiles(place, layout, *paths)
    return None


def locate_or_download(files: FileSource, folder: Path, *, download: bool) -> DatasetFiles:
    """The files, fetched first if they are missing and ``download`` permits.

    Raises:
        DataError: they are missing and can't be fetched.
    """
    if found := locate(files, folder):
        return found
    reason = "and was not to be downloaded"
    if download:
        try:
            _fetch(files, folder if _writable(folder) else user_data_path("scaling"))
        except (OSError, RuntimeError, HTTPException) as error:
            # torchvision tells of each mirror on lines of its own; the last one is the latest.
            lines = str(error).strip().splitlines() or [type(error).__name__]
            reason = f"and can't be downloaded ({lines[-1]})"
    if found := locate(files, folder):
        return found
    names = " or ".join(dict.fromkeys(layout.names for layout in files.layouts))
    raise DataError(
        f"{folder}: {files.name} is not there {reason}\n"
        f"Run `scaling data {files.name}` on a machine with network, or put {names} into that folder; SCALING_DATA or --data names another one"
    )


def _fetch(files: FileSource, folder: Path) -> None:
    """Download beside the final place, then move: an interrupted download leaves nothing, and two at once don't harm each other."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=".download-") as scratch, _patience():
        # The progress bar goes to stderr; stdout is for the command's own output, and some versions of torchvision print there.
        with redirect_stdout(io.StringIO()):
            files.download(Path(scratch))
        train, test = files.layouts[0].locate(Path(scratch)) or ([], [])
        for file in {*train, *test}:
            target = folder / file.relative_to(scratch)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)


def _writable(folder: Path) -> bool:
    """Try it: permissions alone don't tell of a read-only file system."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".probe-"):
            return True
    except OSError:
        return False


@contextmanager
def _patience() -> Iterator[None]:
    """urllib waits for ever by default, and torchvision gives no way to say otherwise."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
