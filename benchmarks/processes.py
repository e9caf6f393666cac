"""Commands in fresh processes, timed from their start to their end: imports, start-up and clean-up count."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from scaling.api import Workspace

ROOT = Path(__file__).parents[1]
LAST_LINES = 20


@dataclass(frozen=True)
class Finished:
    """A command that ended well."""

    wall_s: float
    out: str


def data_folder() -> Path:
    """Where data sets are: as for every command."""
    named = os.environ.get("SCALING_DATA")
    return Path(named).absolute() if named else Workspace().data


def finished(command: list[str], **environment: str) -> Finished:
    """Run a command in the root of the checkout, with further environment variables.

    Raises:
        RuntimeError: it failed; with the last lines that it wrote.
    """
    began = perf_counter()
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    wall_s = perf_counter() - began
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-LAST_LINES:])
        raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}\n{tail}")
    return Finished(wall_s, done.stdout)


def scaling(*words: object) -> Finished:
    """Run the command line, as a shell would."""
    return finished([str(Path(sys.executable).with_name("scaling")), *map(str, words)])


def module(name: str, *words: object, **environment: str) -> Finished:
    """Run a module of this package."""
    return finished([sys.executable, "-m", f"benchmarks.{name}", *map(str, words)], **environment)
