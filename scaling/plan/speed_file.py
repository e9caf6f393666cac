"""Where a machine's speed is kept: what ``scaling bench`` measured in the user's cache, else what comes with the package."""

from __future__ import annotations

import os
import platform
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path

from platformdirs import user_cache_path
from pydantic import ValidationError

from scaling.errors import UsageError
from scaling.plan.machine import cpu_count
from scaling.plan.speed import Speed

DEFAULT = Path(__file__).with_name("default_speed.json")
REMEDY = "measure it anew with: scaling bench"


def load_speed() -> Speed:
    """This machine's speed as it was measured last, or the one that comes with the package.

    Raises:
        UsageError: the file in the cache is none of these.
    """
    place = speed_path()
    try:
        return _once(place, place.stat().st_mtime_ns)
    except FileNotFoundError:
        return default_speed()


@cache
def default_speed() -> Speed:
    """What serves until a machine is measured: the speed of another one, which is named in it."""
    return read_speed(DEFAULT)


@lru_cache(maxsize=1)
def _once(file: Path, written: int) -> Speed:
    """Costs are asked for pack by pack."""
    return read_speed(file)


def speed_path() -> Path:
    """Where this machine keeps its speed. A home folder may be shared by machines of several kinds, so the kind is in the name."""
    kind = sha256(f"{processor_name()}, {cpu_count()}".encode()).hexdigest()[:12]
    return user_cache_path("scaling") / f"speed-{kind}.json"


def read_speed(file: Path) -> Speed:
    """A speed that was written.

    Raises:
        UsageError: it can't be read, is damaged, or is something else.
    """
    try:
        return Speed.model_validate_json(file.read_text())
    except OSError as error:
        raise UsageError(f"{file}: can't be read ({error.strerror or error}); {REMEDY}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise UsageError(
            f"{file}: is damaged or no machine's speed ({place + ': ' if place else ''}{first['msg']}); {REMEDY}"
        ) from None
    except ValueError:
        raise UsageError(f"{file}: is damaged or no machine's speed (not text); {REMEDY}") from None


def write_speed(speed: Speed, file: Path) -> None:
    """Write a speed, whole or not at all.

    Raises:
        UsageError: the file can't be written.
    """
    scratch = file.with_name(f".{file.name}-{os.getpid()}")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        scratch.write_text(speed.model_dump_json(indent=1) + "\n")
        scratch.replace(file)
    except OSError as error:
        raise UsageError(
            f"{file}: can't be written ({error.strerror or error}); choose another --out"
        ) from None


@cache
def processor_name() -> str:
    """The processor's name, as the system calls it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    info = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    numbers = [f"{name} {info[name]}" for name in ("cpu family", "model") if name in info]
    return ", ".join([info.get("model name", platform.machine()), *numbers])
