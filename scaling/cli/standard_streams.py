"""Standard streams whose failures do not end a command."""

from __future__ import annotations

import io
import os
import select
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EIO, EPIPE
from typing import Any, TextIO


class OutputState:
    """State of stdout. A plain class: the import of dataclasses would delay the handling of signals."""

    failure: OSError | None = None
    """Failure to write; a pipe that its reader closes, as ``head`` does, and a closed terminal are none."""


class _Descriptor(io.FileIO):
    """File descriptor of stdout or stderr that leads nowhere from the first failure to write.

    Args:
        descriptor: the file descriptor.
        state: gets the failure.
    """

    def __init__(self, descriptor: int, state: OutputState) -> None:
        super().__init__(descriptor, "w", closefd=False)
        is_terminal = stat.S_ISCHR(os.fstat(descriptor).st_mode)
        self._closed_errno = EIO if is_terminal else EPIPE
        self._state = state

    def write(self, data: Any, /) -> int:
        try:
            while (written := super().write(data)) is None:  # another program made a pipe non-blocking
                select.select([], [self], [])
            return written
        except OSError as error:
            if error.errno != self._closed_errno:
                self._state.failure = error
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.fileno())
            os.close(nowhere)
            return len(data)


@contextmanager
def lasting_streams() -> Iterator[OutputState]:
    """Replace stdout and stderr inside the block by streams whose failures are no errors.

    A stream that is closed stays open on the null device after the block. Streams that are no files, such as
    those of a notebook, are left alone.
    """
    _open_closed_streams()
    state = OutputState()
    before = sys.stdout, sys.stderr
    ours = _lasting(sys.stdout, state), _lasting(sys.stderr, OutputState())
    sys.stdout, sys.stderr = ours
    try:
        yield state
    finally:
        sys.stdout, sys.stderr = before
        for stream in ours:
            stream.flush()


def _open_closed_streams() -> None:
    """Open closed streams on the null device, else the next file would get their descriptors."""
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r+"))  # noqa: PTH123, SIM115


def _lasting(stream: TextIO, state: OutputState) -> TextIO:
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    try:
        descriptor = stream.fileno()
    except OSError:
        return stream
    with suppress(OSError):
        stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(descriptor, state)),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering or stream.write_through,
    )
