"""All errors that this package raises on purpose. Each message says what is wrong and what to do.

ScalingError            printed without a traceback
├── UsageError          the caller's input: exit code 2
│   ├── ConfigError     a study's YAML file, one line for each problem
│   ├── DataError       a data set that is missing, damaged or unsuitable
│   ├── PictureError    a picture that cannot be classified
│   ├── StoreError      a store that cannot be read or written
│   └── TableError      a table of points that cannot be fitted as requested
├── FitError            the data do not determine the result
├── SweepError          a sweep that ended early: exit code 1
└── TrainError          a pack that failed: exit code 1
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from scaling.control_characters import escape_control_characters

DISTRIBUTION = "scaling-studies"
"""Name of this software on a package index, where the name of its import package belongs to others."""


def install_command(extra: str) -> str:
    """Return the command that installs an extra, for messages."""
    return f"pip install '{DISTRIBUTION}[{extra}]' (in a checkout: pip install '.[{extra}]')"


def upgrade_command() -> str:
    """Return the command that installs the newest version, for messages."""
    return f"pip install --upgrade {DISTRIBUTION}"


class ScalingError(Exception):
    """Base class of all errors that this package raises on purpose.

    Library code names arguments of public functions, never command-line flags. A caller that uses
    other names, such as the command line, translates ``option`` and the names in backticks.

    Args:
        problem: what is wrong and what to do; the names of other arguments stand in `backticks`.
        option: argument of the public function that has to change, such as ``out``.
        next_command: command that helps, and its study or table, such as ``("run", "study.yaml")``. It ends
            the message; the command line repeats the options that choose settings and stores.
    """

    def __init__(
        self, problem: str, *, option: str | None = None, next_command: tuple[str, str] | None = None
    ) -> None:
        self.problem = problem
        self.option = option
        self.next_command = next_command
        text = problem if option is None else f"{option}: {problem}"
        super().__init__(f"{text}: scaling {' '.join(next_command)}" if next_command else text)


class UsageError(ScalingError):
    """Input that cannot be used; the message names the field, the argument or the file."""


_Shown = TypeVar("_Shown")

_MAX_LINES = 6
"""Largest number of lines of the message of a ``ConfigError``: what fits beside the command that failed."""
_MAX_TEXT_LENGTH, _MAX_ORIGIN_LENGTH = 240, 120
"""Largest numbers of characters of a problem, and of the name of the file before it."""
_MAX_TABLE_PROBLEM = 500
"""Largest number of characters of a ``TableError``, which can name columns of any length."""


def shorten(text: str, length: int = _MAX_TEXT_LENGTH) -> str:
    """Return text as one line without control characters; a text that is too long loses its middle.

    Args:
        text: text, which may contain what others wrote.
        length: largest number of characters.
    """
    if len(text) > length:
        end = length // 6
        text = f"{text[: length - end - 3]}...{text[-end:]}"
    line = escape_control_characters(text).replace("\n", "\\n").replace("\t", "\\t")
    return line if len(line) <= length else shorten(line, length)


class ConfigError(UsageError):
    """A study that cannot be run as written. The message has the first problems, and how many more there are.

    Args:
        problems: one line each, as ``path: what is wrong, what is permitted``.
        source: the file, or another name for the origin of the study.
        lines: line in the file of each problem that the message has, from 1; None for a problem without one.
    """

    def __init__(
        self, problems: Sequence[str], source: str = "study", *, lines: Sequence[int | None] = ()
    ) -> None:
        self.problems = tuple(problems)
        self.source = source
        shown = self.shown(self.problems)
        name = shorten(source, _MAX_ORIGIN_LENGTH)
        origins = [f"{name}:{line}" if line else name for line in lines] or [name] * len(shown)
        texts = [f"{origin}: {shorten(text)}" for origin, text in zip(origins, shown, strict=True)]
        if more := len(self.problems) - len(shown):
            texts.append(f"{name}: {more:,} more problems")
        super().__init__("\n".join(texts))

    @staticmethod
    def shown(problems: Sequence[_Shown]) -> Sequence[_Shown]:
        """Return the problems, or their paths, that the message has."""
        return problems if len(problems) <= _MAX_LINES else problems[: _MAX_LINES - 1]


class DataError(UsageError):
    """A data set that is missing, damaged or unsuitable; the message names the file or the folder."""


class PictureError(UsageError):
    """A picture that cannot be read or does not show exactly one digit; the message omits the file."""


class StoreError(UsageError):
    """A store that cannot be read or written."""


class StoreDamageWarning(UserWarning):
    """Files of a store are damaged, and what they held is left out; everything else is read.

    Args:
        text: names the files.
        damage: a ``scaling.store.Damage`` for each of the files.
    """

    def __init__(self, text: str, damage: Sequence[Any] = ()) -> None:
        super().__init__(text)
        self.damage = damage


class TableError(UsageError):
    """A table of points that cannot be fitted as requested; the one line names the column or the row."""

    def __init__(self, problem: str, *, option: str | None = None) -> None:
        super().__init__(shorten(problem, _MAX_TABLE_PROBLEM), option=option)


class FitError(ScalingError):
    """Data that do not determine the result: too few widths, no spread, no finite value."""


class SweepError(ScalingError):
    """A sweep that ended early because processes that it needs have died; every finished run is kept."""


class TrainError(ScalingError):
    """A pack that failed; the message names the pack and its log."""
