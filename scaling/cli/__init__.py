"""The command line. No logic: each command calls ``scaling.api`` and prints."""

from __future__ import annotations

import os
import re
import signal
import sys
import traceback
from collections.abc import Sequence

from scaling.cli.output import print_text
from scaling.cli.store_damage import printing_store_damage
from scaling.errors import ScalingError, UsageError
from scaling.interruption import Interrupted, handled_signals

_FLAGS = {"overrides": "--set", "configs": "--config", "half_width": "--until"}
"""Flags of the arguments whose flag is not ``--`` and the argument's name."""
_DONE, _FAILED, _USAGE, _INTERRUPTED = 0, 1, 2, 130
_INTERRUPTED_TEXT = (
    "interrupted; every finished run is in the store, and the same command continues from there"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: words after ``scaling``; by default those of this process.

    Returns:
        Exit code: 0 done; 1 some runs failed, or the data do not determine a law; 2 wrong input;
            130 interrupted by Ctrl+C, or 143 by SIGTERM; finished runs are kept.
    """
    try:
        with handled_signals(last_words=_INTERRUPTED_TEXT):
            return _run_command(sys.argv[1:] if arguments is None else arguments)
    except Interrupted as stop:
        if arguments is None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # only the end of this process is left
        print_text(stop.last_words or _INTERRUPTED_TEXT, to_stderr=True)
        return stop.exit_code


def _run_command(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    import typer

    from scaling.cli.app import app, get_command

    debug = "--debug" in arguments
    words = [word for word in arguments if word != "--debug"]
    try:
        with printing_store_damage():
            outcome = get_command(app)(words or ["--help"], prog_name="scaling", standalone_mode=False)
        sys.stdout.flush()
    except ScalingError as error:
        print_text(traceback.format_exc() if debug else error_text(error), to_stderr=True)
        return _USAGE if isinstance(error, UsageError) else _FAILED
    except typer.TyperException as error:
        print_text(error.format_message(), to_stderr=True)
        print_text("see: scaling --help, or scaling COMMAND --help", to_stderr=True)
        return _USAGE
    except (BrokenPipeError, SystemExit) as stop:
        if BrokenPipeError not in (type(stop), type(stop.__context__)):
            raise
        # The reader of the pipe has closed it, as `head` does, and typer exits. This is no error, but
        # nothing more may be written to the pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _DONE
    if outcome == _INTERRUPTED:  # typer returns this number after KeyboardInterrupt
        print_text(_INTERRUPTED_TEXT, to_stderr=True)
    return outcome if isinstance(outcome, int) else _DONE


def error_text(error: ScalingError) -> str:
    """Return the message of an error with command-line flags in place of argument names."""
    problem = re.sub(r"`(\w+)`", lambda name: _flag(name[1]), error.problem)
    return problem if error.option is None else f"{_flag(error.option)} {problem}"


def _flag(argument: str) -> str:
    return _FLAGS.get(argument, "--" + argument.replace("_", "-"))
