"""One command of the command line: its exit code, and the text of its error."""

from __future__ import annotations

import os
import re
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from scaling.cli.app import app, get_command
from scaling.cli.flags import flag, setting_hint, with_flags
from scaling.cli.output import print_text
from scaling.cli.store_damage import printing_store_damage
from scaling.errors import ScalingError, UsageError, shorten

_DONE, _FAILED, _USAGE = 0, 1, 2
_BACKEND = "MPLBACKEND"


def run_command(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code."""
    debug = "--debug" in arguments
    words = [word for word in arguments if word != "--debug"]
    try:
        with printing_store_damage(), _drawing_to_files():
            outcome = get_command(app)(words or ["--help"], prog_name="scaling", standalone_mode=False)
    except ScalingError as error:
        print_text(traceback.format_exc() if debug else error_text(error), to_stderr=True)
        return _USAGE if isinstance(error, UsageError) else _FAILED
    except typer.TyperException as error:
        print_text(_usage_text(error), to_stderr=True)
        print_text("see: scaling --help, or scaling COMMAND --help", to_stderr=True)
        return _USAGE
    except OSError as error:
        if debug or (text := _describe_system_error(error)) is None:
            raise
        print_text(text, to_stderr=True)
        return _USAGE
    except SystemExit as stop:
        # Typer takes each BrokenPipeError for one of stdout, which raises none, and would end without a word.
        if type(stop) is SystemExit and isinstance(stop.__context__, BrokenPipeError):
            raise stop.__context__ from None
        raise
    return outcome if isinstance(outcome, int) else _DONE


def _usage_text(error: typer.TyperException) -> str:
    """Return the message of an error about the words of a command line, with the meaning of its parameter."""
    text = re.sub(
        r"Input should be a valid (integer|number)\b.*", r"expected a valid \1.", error.format_message()
    )
    meaning = getattr(getattr(error, "param", None), "help", None)
    return f"{text} {meaning}" if meaning else f"{text}{setting_hint(error)}"


@contextmanager
def _drawing_to_files() -> Iterator[None]:
    """Let matplotlib draw without a screen, whatever the environment says: commands write files only."""
    before = os.environ.get(_BACKEND)
    os.environ[_BACKEND] = "agg"
    try:
        yield
    finally:
        del os.environ[_BACKEND]
        if before is not None:
            os.environ[_BACKEND] = before


def _describe_system_error(error: OSError) -> str | None:
    """Return what the system refuses, such as a path in a folder that may not be entered.

    None if the error names no path, and is the fault of no user.
    """
    if error.filename is not None:
        return f"{shorten(os.fsdecode(error.filename))}: {error.strerror} (--debug shows where)"
    try:
        os.getcwd()  # noqa: PTH109  only this call says why
    except FileNotFoundError:
        return "the working folder was deleted; change to another folder"
    return None


def error_text(error: ScalingError) -> str:
    """Return the message of an error with command-line flags in place of argument names."""
    problem = with_flags(error.problem)
    return problem if error.option is None else f"{flag(error.option)} {problem}"
