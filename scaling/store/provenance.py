"""Provenance of a row: the code, the versions and the machine that produced it."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from scaling.errors import DISTRIBUTION

_PACKAGE = Path(__file__).parents[1]
_LIBRARIES = ("torch", "pytorch-lightning", "ray", "numpy", "pyarrow", DISTRIBUTION)


@dataclass(frozen=True, kw_only=True)
class Provenance:
    """Code, versions and machine of this process."""

    commit: str | None
    """Commit of this package's checkout; None outside a checkout."""
    dirty: bool | None
    """True if the package differs from the commit; studies and texts outside the package do not count."""
    versions: Mapping[str, str | None]
    """Versions of Python and of the libraries; None for a library that is not installed."""
    host: str
    """Name of the machine."""

    def columns(self) -> dict[str, str | bool | None]:
        """Return the values of the columns of the runs table."""
        return {
            "commit": self.commit,
            "dirty": self.dirty,
            "versions": json.dumps(self.versions, sort_keys=True),
            "host": self.host,
        }


@cache
def collect_provenance() -> Provenance:
    """Return the provenance of this process; git is called once per process."""
    # The second name makes git fail if the package lies inside another project's checkout, as in a virtual
    # environment.
    head = _git("rev-parse", "HEAD", "HEAD:./__init__.py")
    changes = None if head is None else _git("status", "--porcelain", ".")
    return Provenance(
        commit=None if head is None else head.split()[0],
        dirty=None if changes is None else bool(changes),
        versions={"python": platform.python_version(), **{name: _version(name) for name in _LIBRARIES}},
        host=platform.node(),
    )


def _version(library: str) -> str | None:
    """Return the installed version without importing the library, which would take seconds."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    """Return git's output for this package's checkout; None without git or without a checkout."""
    try:
        result = subprocess.run(
            ["git", "--no-optional-locks", "-C", _PACKAGE, *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return result.stdout.strip()
