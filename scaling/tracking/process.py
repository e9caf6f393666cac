"""The process that writes to a tracker.

Clients of trackers print, prompt, wait for servers and end in many ways. In a process of their own, with a
log for what they print, nothing of this reaches a sweep.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from time import monotonic
from typing import Any

from scaling.errors import ScalingError
from scaling.tracking.record import TrackedRun
from scaling.tracking.trackers import Destination

TIMEOUT_S = 180.0
"""Time after which a tracker that does not answer is given up; clients give up on servers earlier."""
_EXIT_S = 30.0


class TrackerError(ScalingError):
    """A tracker that failed; runs are not affected."""


class TrackerProcess:
    """A process that writes runs to one tracker, until it is closed.

    Args:
        tracker: name of the tracker.
        destination: where the runs go.
        log: file for what the client prints.

    Raises:
        TrackerError: the process cannot start, or its client cannot be imported.
    """

    def __init__(self, tracker: str, destination: Destination, *, log: Path) -> None:
        # An empty entry is the working folder.
        path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100
        program = f"import sys; sys.path[:] = {path!r}; from scaling.tracking.worker import main; main()"
        values = asdict(destination) | {"folder": str(destination.folder)}
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as output:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", program, tracker, json.dumps(values)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=output,
                    start_new_session=True,  # Ctrl-C is for the sweep, which then closes this process
                )
        except OSError as error:
            raise TrackerError(f"its process cannot start ({error})") from error
        self._buffer = b""
        try:
            self._read_reply()
        except TrackerError:
            self.kill()
            raise

    def write(self, run: TrackedRun) -> bool:
        """Write a run unless the tracker has it; return True if it was written.

        Raises:
            TrackerError: the tracker failed or does not answer.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(run.to_json().encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise TrackerError(f"its process has ended ({error.strerror})") from error
        return bool(self._read_reply()["written"])

    def close(self) -> None:
        """Let the client finish, and end the process."""
        try:
            self._process.communicate(timeout=_EXIT_S)
        except (subprocess.TimeoutExpired, OSError):
            self.kill()

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.communicate()

    def _read_reply(self) -> dict[str, Any]:
        """Return the next reply.

        Raises:
            TrackerError: the reply says that the tracker failed, or there is none.
        """
        assert self._process.stdout is not None
        until, file = monotonic() + TIMEOUT_S, self._process.stdout.fileno()
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([file], [], [], max(0.0, until - monotonic()))
            if not ready:
                raise TrackerError(f"no answer for {TIMEOUT_S:g} s")
            chunk = os.read(file, 2**16)
            if not chunk:
                raise TrackerError("its process has ended")
            self._buffer += chunk
        line, self._buffer = self._buffer.split(b"\n", 1)
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise TrackerError(reply["error"])
        return reply
