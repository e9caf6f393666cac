"""Names of arguments as command-line flags, options that are given twice, and hints that repeat options."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand

from scaling.errors import ScalingError, UsageError
from scaling.notes import Note

_FLAGS = {
    "overrides": "--set",
    "configs": "--config",
    "curves": "--curve",
    "formats": "--format",
    "half_width": "--until",
}
"""Flags of the arguments whose flag is not ``--`` and the argument's name."""


def flag(argument: str) -> str:
    """Return the command-line flag of an argument: ``--best-over`` for ``best_over``."""
    return _FLAGS.get(argument, "--" + argument.replace("_", "-"))


def with_flags(text: str) -> str:
    """Return a text with flags in the place of the arguments' names in backticks."""
    return re.sub(r"`(\w+)`", lambda name: flag(name[1]), text)


_Noted = TypeVar("_Noted")


def note_text(context: typer.Context) -> Callable[[str], str]:
    """Return how a command writes notes: with its own flags, and without hints for which it has none.

    Args:
        context: context of the command.
    """
    flags = {word for parameter in context.command.params for word in parameter.opts}

    def write(note: str) -> str:
        kept = note.for_arguments(lambda name: flag(name) in flags) if isinstance(note, Note) else note
        return with_flags(kept)

    return write


def with_note_flags(results: Iterable[_Noted], context: typer.Context) -> list[_Noted]:
    """Return results, such as fits, whose notes name flags of a command.

    Args:
        results: records with a field ``notes``.
        context: context of the command.
    """
    write = note_text(context)
    return [
        replace(result, notes=tuple(map(write, result.notes)))  # type: ignore[attr-defined,type-var]
        for result in results
    ]


_REPEATED = ("set_", "store", "also", "data")
"""Parameters of a command that a hint repeats, because the next command needs them too."""


class Command(TyperCommand):
    """A command that refuses an option with two values where it has room for one.

    Otherwise the last value would win, without a word about the first. The hint of its error repeats the
    settings and the stores that it was given.
    """

    def invoke(self, ctx: Any) -> Any:
        """Run the command.

        Raises:
            ScalingError: the command failed; a command that helps ends the message.
        """
        try:
            return super().invoke(ctx)
        except ScalingError as error:
            if error.next_command:
                from scaling.api._load import STUDY_SUFFIXES

                is_study = error.next_command[1].endswith(STUDY_SUFFIXES)
                options = _repeated_options(ctx) if is_study else []
                line = shlex.join(["scaling", *error.next_command, *options])
                error.problem = f"{error.problem}: {line}"
            raise

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the words of a command line.

        Raises:
            UsageError: an option is given twice, and takes one value.
        """
        _, _, order = self.make_parser(ctx).parse_args(args=list(args))
        for parameter, number in Counter(order).items():
            takes_one = parameter.param_type_name == "option" and not parameter.multiple
            if number > 1 and takes_one and not getattr(parameter, "is_flag", False):
                raise UsageError(
                    f"is given {number} times, and takes one value; leave out one", option=parameter.name
                )
        return super().parse_args(ctx, args)


def setting_hint(error: Any) -> str:
    """Return how a setting is changed, for an error about an option that has the name of a setting."""
    name = getattr(error, "option_name", "").lstrip("-").replace("-", "_")
    if not name:
        return ""
    from scaling.config.corrections import setting_named

    setting = setting_named(name)
    return f"; to change the setting: --set {setting}=VALUE" if setting else ""


def _repeated_options(ctx: Any) -> list[str]:
    """Return the options of a command line that its hints repeat; those of the environment hold anyway."""
    words: list[str] = []
    for parameter in ctx.command.params:
        source = ctx.get_parameter_source(parameter.name)
        if parameter.name in _REPEATED and source is not None and source.name == "COMMANDLINE":
            value = ctx.params[parameter.name]
            for text in value if isinstance(value, list | tuple) else [value]:
                words += [parameter.opts[0], str(text)]
    return words
