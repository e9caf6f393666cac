"""The maker of a row: which code, which versions, which machine."""

from __future__ import annotations

import json
import platform
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
LIBRARIES = ("torch", "pytorch-lightning", "ray", "numpy", "pyarrow", "scaling-studies")


def collect_provenance() -> dict[str, str | bool | None]:
    """The columns commit, dirty, versions and host of a row of ``runs``.

    ``dirty`` looks at the package alone: a changed study or text changes no number. Git is asked once in the life of a process.
    """
    return dict(_provenance())


@cache
def _provenance() -> dict[str, str | bool | None]:
    # The second name makes git fail where the package lies inside another project's checkout, as in a virtual environment.
    head = _git("rev-parse", "HEAD", "HEAD:./__init__.py")
    changes = None if head is None else _git("status", "--porcelain", ".")
    versions = {"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}}
    return {
        "commit": None if head is None else head.split()[0],
        "dirty": None if changes is None else bool(changes),
        "versions": json.dumps(versions, sort_keys=True),
        "host": platform.node(),
    }


def _version(library: str) -> str | None:
    """Read from what is installed: an import would take seconds."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    """What git says about this package's checkout; None where there is no git or no checkout."""
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", PACKAGE, *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
