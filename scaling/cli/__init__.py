"""The command line. No logic: each command calls ``scaling.api`` and prints."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from scaling.errors import ScalingError, UsageError

DONE, FAILED, REFUSED, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        0 done, 1 some runs failed, 2 the user's input, 130 interrupted with everything finished kept.
    """
    import click

    from scaling.cli.commands import app

    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    try:
        outcome = app([word for word in words if word != "--debug"], prog_name="scaling", standalone_mode=False)
    except ScalingError as error:
        if debug:
            raise
        print(error, file=sys.stderr)
        return REFUSED if isinstance(error, UsageError) else FAILED
    except click.exceptions.Abort:
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted; every finished run is in the store, and the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe has left, as `head` does: nothing is wrong, and nothing more may be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return outcome if isinstance(outcome, int) else DONE
