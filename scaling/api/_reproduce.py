"""The command line that repeats a result."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from scaling.api._workspace import Workspace


def reproduce_command(
    command: str, config: Path, *, workspace: Workspace, overrides: Sequence[str], **options: object
) -> str:
    """Return the command line that makes the same figures and pages again.

    The data folder is left out because each machine has its own.

    Args:
        command: name of the command, such as ``report``.
        config: YAML file of the study.
        workspace: stores and folders.
        overrides: changed settings, such as ``recipe.epochs=5``.
        options: further options by name; empty values are left out.
    """
    words = ["scaling", command, str(config)]
    words += ["--store", workspace.store] if workspace.store != Workspace().store else []
    words += [word for uri in workspace.also for word in ("--also", uri)]
    words += [word for line in overrides for word in ("--set", line)]
    words += [word for name, value in options.items() if value for word in (f"--{name}", str(value))]
    return shlex.join(words)
