"""Commands in fresh processes, timed from start to end, so that imports, start-up and clean-up count."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Thread
from time import perf_counter, sleep

from scaling.api import Workspace

ROOT = Path(__file__).parents[1]
"""Root of the checkout."""
_REPORTED_LINES = 20
_POLL_S = 0.02


@dataclass(frozen=True)
class CommandResult:
    """A command that succeeded."""

    wall_s: float
    stdout: str
    peak_bytes: int
    """Largest resident memory of the process, without those that it started; 0 if the system does not say."""


def data_folder() -> Path:
    """Return the data folder, as for every command."""
    folder = os.environ.get("SCALING_DATA")
    return Path(folder).absolute() if folder else Workspace().data


def run_command(command: list[str], **environment: str) -> CommandResult:
    """Run a command in the root of the checkout.

    Args:
        command: the program and its arguments.
        environment: further environment variables.

    Raises:
        RuntimeError: the command failed; the message contains its last lines.
    """
    started = perf_counter()
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        peak = _PeakWatch(process)
        peak.start()
        stdout, stderr = process.communicate()
        wall_s = perf_counter() - started
        peak.join()
    if process.returncode:
        tail = "\n".join((stdout + stderr).splitlines()[-_REPORTED_LINES:])
        raise RuntimeError(f"{' '.join(command)}: exit code {process.returncode}\n{tail}")
    return CommandResult(wall_s, stdout, peak.peak_bytes)


class _PeakWatch(Thread):
    """Thread that reads the largest resident memory of a process until the process ends."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        super().__init__(daemon=True)
        self.process, self.peak_bytes = process, 0

    def run(self) -> None:
        status = Path("/proc", str(self.process.pid), "status")
        while self.process.returncode is None:
            with suppress(OSError):
                if match := re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(), re.MULTILINE):
                    self.peak_bytes = int(match[1]) * 1024
            sleep(_POLL_S)


def run_scaling(*arguments: object) -> CommandResult:
    """Run the command line as a shell does."""
    return run_command([str(Path(sys.executable).with_name("scaling")), *map(str, arguments)])


def run_module(name: str, *arguments: object, **environment: str) -> CommandResult:
    """Run a module of this package."""
    return run_command([sys.executable, "-m", f"benchmarks.{name}", *map(str, arguments)], **environment)
