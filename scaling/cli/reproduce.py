"""The command line that a page shows, so that readers can make the page again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from scaling.cli.flags import flag
from scaling.cli.options import STORE


def reproduce_command(
    command: str,
    config: Path,
    *,
    store: str,
    also: Sequence[str],
    overrides: Sequence[str],
    **options: object,
) -> str:
    """Return the command line that makes the same page again.

    The data folder is left out because each machine has its own.

    Args:
        command: name of the command, such as ``report``.
        config: YAML file of the study.
        store: store of the results.
        also: further stores that are read.
        overrides: changed settings, such as ``recipe.epochs=5``.
        options: further options by name, a list for an option that is repeated, True for a switch; empty
            values are left out.
    """
    words = ["scaling", command, str(config)]
    words += ["--store", store] if store != STORE else []
    words += [word for uri in also for word in ("--also", uri)]
    words += [word for line in overrides for word in ("--set", line)]
    words += [
        word
        for name, value in options.items()
        for item in (value if isinstance(value, list) else [value])
        if item
        for word in (flag(name), *([] if item is True else [str(item)]))
    ]
    return shlex.join(words)
