"""Main function of the process that writes to a tracker: runs come on stdin, and replies go to stdout."""

from __future__ import annotations

import io
import json
import os
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import IO, Protocol

from scaling.errors import shorten
from scaling.tracking.record import TrackedRun
from scaling.tracking.trackers import Destination


class Writer(Protocol):
    """Client of a tracker."""

    def write(self, run: TrackedRun) -> bool:
        """Write a run unless the tracker has it; return True if it was written."""


def main() -> None:
    """Write runs until stdin ends. A run that fails is reported, and ends the process."""
    tracker, destination = sys.argv[1], json.loads(sys.argv[2])
    requests, replies = _take_streams()
    try:
        writer = open_writer(tracker, Destination(**destination | {"folder": Path(destination["folder"])}))
        _reply(replies, {})
        for line in requests:
            _reply(replies, {"written": writer.write(TrackedRun.from_json(line))})
    except BaseException as error:  # also SystemExit, by which some clients end
        traceback.print_exc()
        message = (str(error).splitlines() or [""])[0].rstrip(".")
        _reply(replies, {"error": shorten(f"{type(error).__name__}: {message}")})


def open_writer(tracker: str, destination: Destination) -> Writer:
    """Return the client of a tracker.

    Raises:
        ImportError: its package is missing or broken.
    """
    module = import_module(f"scaling.tracking.{tracker}_writer")
    factory: Callable[[Destination], Writer] = module.open_writer
    return factory(destination)


def _take_streams() -> tuple[IO[str], IO[str]]:
    """Return stdin and stdout; in their place, put an empty input and the log, for what clients do."""
    requests, replies = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.dup2(2, 1)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # a client that is killed flushes nothing
    return requests, replies


def _reply(replies: IO[str], values: dict[str, object]) -> None:
    try:
        replies.write(json.dumps(values) + "\n")
        replies.flush()
    except BrokenPipeError:  # the sweep was killed
        sys.exit(1)
