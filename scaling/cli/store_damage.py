"""Damaged files that a command found: printed once on stderr, and counted in its JSON."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

from scaling.cli.output import print_text
from scaling.errors import StoreDamageWarning

if TYPE_CHECKING:
    from scaling.store import Damage

_found: dict[str, Damage] = {}
"""Damaged files that this command found, by full name."""


@contextmanager
def printing_store_damage() -> Iterator[None]:
    """Print each warning about damaged files once, without the place in the code."""
    printed: set[str] = set()
    _found.clear()

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        if not isinstance(message, StoreDamageWarning):
            show_others(message, category, filename, lineno, file, line)
            return
        _found.update({damage.name: damage for damage in message.damage})
        if str(message) not in printed:
            printed.add(str(message))
            print_text(str(message), to_stderr=True)

    with warnings.catch_warnings():
        show_others = warnings.showwarning
        warnings.showwarning = show
        warnings.simplefilter("always", StoreDamageWarning)
        yield


def with_damage(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result that was read from stores, with the numbers of what is damaged and left out."""
    from scaling.store import sum_damage

    return result | {"damage": asdict(sum_damage(list(_found.values())))}
