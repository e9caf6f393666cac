"""Commands in fresh processes, timed from start to end, so that imports, start-up and clean-up count."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from scaling.api import Workspace

ROOT = Path(__file__).parents[1]
"""Root of the checkout."""
_REPORTED_LINES = 20


@dataclass(frozen=True)
class CommandResult:
    """A command that succeeded."""

    wall_s: float
    stdout: str


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
    completed = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    wall_s = perf_counter() - started
    if completed.returncode:
        tail = "\n".join((completed.stdout + completed.stderr).splitlines()[-_REPORTED_LINES:])
        raise RuntimeError(f"{' '.join(command)}: exit code {completed.returncode}\n{tail}")
    return CommandResult(wall_s, completed.stdout)


def run_scaling(*arguments: object) -> CommandResult:
    """Run the command line as a shell does."""
    return run_command([str(Path(sys.executable).with_name("scaling")), *map(str, arguments)])


def run_module(name: str, *arguments: object, **environment: str) -> CommandResult:
    """Run a module of this package."""
    return run_command([sys.executable, "-m", f"benchmarks.{name}", *map(str, arguments)], **environment)
