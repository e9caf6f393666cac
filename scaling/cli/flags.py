"""Names of arguments as command-line flags, and options that are given twice."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from typer.core import TyperCommand

from scaling.errors import UsageError

_FLAGS = {"overrides": "--set", "configs": "--config", "curves": "--curve", "half_width": "--until"}
"""Flags of the arguments whose flag is not ``--`` and the argument's name."""


def flag(argument: str) -> str:
    """Return the command-line flag of an argument: ``--best-over`` for ``best_over``."""
    return _FLAGS.get(argument, "--" + argument.replace("_", "-"))


def with_flags(text: str) -> str:
    """Return a text with flags in the place of the arguments' names in backticks."""
    return re.sub(r"`(\w+)`", lambda name: flag(name[1]), text)


class Command(TyperCommand):
    """A command that refuses an option with two values where it has room for one.

    Otherwise the last value would win, without a word about the first.
    """

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
