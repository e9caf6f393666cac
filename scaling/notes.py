"""Notes on a result: a statement, and hints that name arguments of public functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Hint:
    """Something that can be done about a note."""

    text: str
    """Phrase with the names of arguments in `backticks`."""
    requires: frozenset[str] = frozenset()
    """Further arguments of the functions that can follow the hint, such as ``cost`` for a joint law."""

    @property
    def arguments(self) -> frozenset[str]:
        """Arguments without which a function cannot follow the hint."""
        return self.requires | set(re.findall(r"`(\w+)`", self.text))


class Note(str):
    """A statement about a result, followed by what can be done about it.

    As a text it has all hints. A caller whose function lacks an argument leaves its hints out.

    Args:
        statement: sentences about what was found.
        hints: alternatives.
    """

    statement: str
    hints: tuple[Hint, ...]

    def __new__(cls, statement: str, hints: Iterable[Hint] = ()) -> Note:
        hints = tuple(hints)
        note = super().__new__(cls, " ".join(filter(None, (statement, _sentence(hints)))))
        note.statement, note.hints = statement, hints
        return note

    def for_arguments(self, has_argument: Callable[[str], bool]) -> Note:
        """Return the note with the hints that a function can follow.

        Args:
            has_argument: whether the function has an argument of this name.
        """
        return Note(self.statement, (hint for hint in self.hints if all(map(has_argument, hint.arguments))))


def without_hints(notes: Iterable[str]) -> tuple[str, ...]:
    """Return notes for functions that have no arguments to follow hints: their statements alone.

    Args:
        notes: notes, or plain sentences, which stay as they are.
    """
    return tuple(note.statement if isinstance(note, Note) else note for note in notes)


def _sentence(hints: tuple[Hint, ...]) -> str:
    """Return alternatives as a sentence: ``Group with `by` lr, or keep one value with `where` lr=VALUE.``"""
    if not hints:
        return ""
    *first, last = (hint.text for hint in hints)
    text = f"{', '.join(first)}, or {last}" if first else last
    return f"{text[:1].upper()}{text[1:]}."
