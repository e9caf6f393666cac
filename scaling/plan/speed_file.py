"""File with the speed of this machine, measured by ``scaling bench``, and a default speed."""

from __future__ import annotations

import os
import platform
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path

from platformdirs import user_cache_path
from pydantic import ValidationError

from scaling.errors import UsageError
from scaling.files import write_atomically, writing
from scaling.plan.speed import Speed

_DEFAULT_SPEED = Path(__file__).with_name("default_speed.json")
_BENCH_HINT = "measure again with: scaling bench"


def load_speed() -> Speed:
    """Return the latest measured speed of this machine, or the default speed if none was measured.

    Raises:
        UsageError: the file of the measured speed is damaged.
    """
    path = speed_path()
    try:
        return _read_cached(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return default_speed()


@cache
def default_speed() -> Speed:
    """Return the speed of another machine, which is used until this machine is measured."""
    return read_speed(_DEFAULT_SPEED)


@lru_cache(maxsize=1)
def _read_cached(path: Path, modified_ns: int) -> Speed:
    """Read a speed once for each change of the file, because the cost of each pack needs it."""
    return read_speed(path)


def speed_path() -> Path:
    """Return the file of this machine's speed in the user's cache folder.

    Machines of several kinds may share a home folder, so the file name depends on the processor and the
    number of CPUs (all CPUs of the machine, even if this process may use fewer).
    """
    kind = sha256(f"{processor_name()}, {os.cpu_count() or 1}".encode()).hexdigest()[:12]
    return user_cache_path("scaling") / f"speed-{kind}.json"


def read_speed(path: Path) -> Speed:
    """Read a speed from a file.

    Raises:
        UsageError: the file cannot be read, is damaged, is of a version that measured no times of steps, or
            is not a machine's speed.
    """
    try:
        return Speed.model_validate_json(path.read_text())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror or error}); {_BENCH_HINT}") from None
    except ValidationError as error:
        first = error.errors()[0]
        reason = ": ".join(filter(None, (".".join(map(str, first["loc"])), first["msg"])))
    except ValueError:
        reason = "not text"
    raise UsageError(
        f"{path}: is damaged, of another version, or not a machine's speed ({reason}); {_BENCH_HINT}"
    )


def write_speed(speed: Speed, path: Path) -> None:
    """Write a speed to a file, atomically.

    Raises:
        UsageError: the file cannot be written.
    """
    with writing(path, hint="choose another `out`"):
        write_atomically(path, (speed.model_dump_json(indent=1) + "\n").encode())


@cache
def processor_name() -> str:
    """Return the name of the processor, as the operating system reports it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    info = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    numbers = [f"{name} {info[name]}" for name in ("cpu family", "model") if name in info]
    return ", ".join([info.get("model name", platform.machine()), *numbers])
