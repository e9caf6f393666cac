"""A trial: a folder with a study, and the commands that run in it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

PATIENCE_S = 600.0
"""Time in which a command must end."""

_NEXT_DAY = """\
from importlib import import_module
from scaling.cli import main
import_module("scaling.store.sweep").MIN_AGE_S = -60.0
raise SystemExit(main())
"""
"""Program that runs a command as if a day had passed for the removal of leftovers."""


@dataclass
class Driver:
    """A running command, with its output in a file."""

    process: subprocess.Popen[bytes]
    output: Path
    permitted: set[int] = field(default_factory=lambda: {0})
    """Exit codes that are right, as a shell reports them."""

    @property
    def family(self) -> list[psutil.Process]:
        """The driver's processes, itself first; empty once it has ended."""
        try:
            driver = psutil.Process(self.process.pid)
            return [driver, *driver.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def of_kind(self, *names: str) -> list[psutil.Process]:
        """Return the descendants whose command line starts with one of the names, such as ``ray::``."""
        found = []
        for process in self.family[1:]:
            with suppress(psutil.Error):
                command = " ".join(process.cmdline())
                found += [process] if any(name in command.split(" ")[0] for name in names) else []
        return found

    def running(self, module: str) -> list[psutil.Process]:
        """Return the descendants whose command line names a module, parents first."""
        found = []
        for process in self.family[1:]:
            with suppress(psutil.Error):
                found += [process] if module in " ".join(process.cmdline()) else []
        return found


@dataclass(frozen=True)
class Trial:
    """The folder of one trial, and the commands that run in it."""

    folder: Path
    study: str
    """Text of the study's YAML file."""
    uri: str = ""
    """URI of the store; by default the store is a folder of the trial."""

    @property
    def disk(self) -> Path:
        """Folder of the store's file system."""
        return self.folder / "disk"

    @property
    def store(self) -> Path:
        return self.disk / "store"

    @property
    def environment(self) -> dict[str, str]:
        """Environment of all commands: a home and a temporary folder of the trial's own."""
        own = {"HOME": str(self.folder / "home"), "TMPDIR": str(self.folder / "tmp")}
        cache = {"XDG_CACHE_HOME": str(self.folder / "home/.cache"), "OMP_NUM_THREADS": "1"}
        return os.environ | own | cache | {"PYTHONPATH": str(Path.cwd()), "SCALING_FAULTS": str(self.folder)}

    def prepare(self) -> None:
        for name in ("home", "tmp", "disk"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "study.yaml").write_text(self.study)

    def command(self, *arguments: str, is_next_day: bool = False) -> list[str]:
        program = ["-c", _NEXT_DAY] if is_next_day else ["-m", "scaling"]
        return [sys.executable, *program, *arguments, "--store", self.uri or str(self.store)]

    def start(self, *options: str, is_next_day: bool = False) -> Driver:
        """Start ``scaling run`` on the study.

        Args:
            options: options of the command.
            is_next_day: True to remove leftovers as if a day had passed.
        """
        output = self.folder / f"output-{len(list(self.folder.glob('output-*')))}.txt"
        with output.open("wb") as file:
            process = subprocess.Popen(
                self.command("run", "study.yaml", "--quiet", *options, is_next_day=is_next_day),
                cwd=self.folder,
                env=self.environment,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Driver(process, output)

    def leftover_processes(self) -> list[psutil.Process]:
        """Return the living processes that inherited this trial's environment."""
        left = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                is_ours = process.environ().get("SCALING_FAULTS") == str(self.folder)
                left += [process] if is_ours and process.status() != psutil.STATUS_ZOMBIE else []
        return left


def wait(driver: Driver, seconds: float) -> list[str]:
    """Wait for a driver, end it if it does not end, and return what was wrong with its end."""
    try:
        ended = driver.process.wait(seconds)
    except subprocess.TimeoutExpired:
        for process in driver.family:
            with suppress(psutil.Error):
                process.kill()
        return [f"{driver.output.name}: still running after {seconds:g} s"]
    code = ended if ended >= 0 else 128 - ended  # as a shell reports it
    text = driver.output.read_text(errors="replace")
    found = [f"{driver.output.name}: traceback"] if "Traceback" in text else []
    return found + (
        []
        if code in driver.permitted
        else [f"{driver.output.name}: exit code {code}, not one of {sorted(driver.permitted)}"]
    )
