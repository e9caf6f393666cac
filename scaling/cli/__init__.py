"""The command line. No logic: each command calls ``scaling.api`` and prints.

Signals are handled before anything that takes time is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from scaling.cli.standard_streams import lasting_streams
from scaling.interruption import Interrupted, handled_signals, ignore_signals

_DONE, _FAILED, _INTERRUPTED = 0, 1, 130
_INTERRUPTED_TEXT = (
    "interrupted; every finished run is in the store, and the same command continues from there"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: words after ``scaling``; by default those of this process.

    Returns:
        Exit code: 0 done; 1 some runs failed, the data do not determine a law, or stdout cannot be written;
            2 wrong input; 130 interrupted by Ctrl+C, 143 by SIGTERM, or 129 by the end of the terminal;
            finished runs are kept.
    """
    with lasting_streams() as output:
        code = _run_interruptible(arguments)
        sys.stdout.flush()
        if output.failure and code == _DONE:
            _print_error(f"stdout cannot be written ({output.failure.strerror}), so the output is incomplete")
            return _FAILED
        return code


def _run_interruptible(arguments: Sequence[str] | None) -> int:
    """Run a command and return its exit code, also if a signal ends it."""
    try:
        with handled_signals(last_words=_INTERRUPTED_TEXT):
            from scaling.cli.command import run_command

            code = run_command(sys.argv[1:] if arguments is None else arguments)
    except Interrupted as stop:
        if arguments is None:
            ignore_signals()  # only the end of this process is left
        _print_error(stop.last_words or _INTERRUPTED_TEXT)
        return stop.exit_code
    if code == _INTERRUPTED:  # typer returns this number after KeyboardInterrupt
        _print_error(_INTERRUPTED_TEXT)
    return code


def _print_error(text: str) -> None:
    from scaling.cli.output import print_text

    print_text(text, to_stderr=True)
