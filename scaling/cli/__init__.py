"""The command line. No logic: each command calls ``scaling.api`` and prints."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Sequence

from scaling.errors import ScalingError, UsageError

FLAGS = {"overrides": "--set", "quantity": "--of"}
"""Command-line flags of arguments whose flag is not ``--`` and the argument's name."""
DONE, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 done, 1 some runs failed, 2 the user's input, 130 interrupted with everything finished kept.
    """
    import typer

    from scaling.cli.app import app

    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    try:
        outcome = app(words or ["--help"], prog_name="scaling", standalone_mode=False)
        sys.stdout.flush()
    except ScalingError as error:
        print(traceback.format_exc() if debug else error_text(error), file=sys.stderr)
        return REFUSED if isinstance(error, UsageError) else FAILED
    except typer.TyperException as error:
        print(
            error.format_message(),
            "see: scaling --help, or scaling COMMAND --help",
            sep="\n",
            file=sys.stderr,
        )
        return REFUSED
    except (BrokenPipeError, SystemExit) as left:
        if BrokenPipeError not in (type(left), type(left.__context__)):
            raise
        # The reader of a pipe has left, as `head` does; typer answers that with an exit. Nothing is wrong, and nothing more may be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    if outcome == INTERRUPTED:  # typer's word for Ctrl+C
        print(
            "interrupted; every finished run is in the store, and the same command goes on from there",
            file=sys.stderr,
        )
    return outcome if isinstance(outcome, int) else DONE


def error_text(error: ScalingError) -> str:
    """Return an error's message with command-line flags in the place of the names of arguments."""
    problem = re.sub(r"`(\w+)`", lambda name: _flag(name[1]), error.problem)
    return problem if error.option is None else f"{_flag(error.option)} {problem}"


def _flag(argument: str) -> str:
    return FLAGS.get(argument, "--" + argument.replace("_", "-"))
