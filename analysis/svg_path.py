"""Short text of paths and positions in SVG."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_TOKEN = re.compile(r"[A-Za-z]|[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?")
_COORDINATES = {"M": 2, "L": 2, "Q": 4, "C": 6}
"""Number of coordinates of each command."""
_UNIT = 100
"""Positions are multiples of one over this number."""


def shorten_number(number: str) -> str:
    """Return a number, rounded to hundredths, without zeros that say nothing: ``-.5``."""
    return _format(round(float(number) * _UNIT))


def shorten_path(data: str) -> str:
    """Return a path with relative positions in hundredths.

    Each absolute position is rounded before differences are taken, so that errors do not add up.

    Args:
        data: path of the absolute commands M, L, Q, C and z, as matplotlib writes it.
    """
    tokens, position, start, previous = list[str](), (0, 0), (0, 0), ""
    for command, coordinates in _commands(data):
        # After a move, further pairs are lines, so that "l" follows "m" without its letter.
        implied = command != "M" and (command == previous or (command == "L" and previous == "M"))
        tokens += [] if implied else [command.lower()]
        tokens += [_format(value - position[index % 2]) for index, value in enumerate(coordinates)]
        position = (coordinates[-2], coordinates[-1]) if coordinates else start
        start = position if command == "M" else start
        previous = command if coordinates else ""
    return "".join(_separate(tokens))


def _commands(data: str) -> Iterator[tuple[str, list[int]]]:
    tokens = iter(_TOKEN.findall(data))
    for command in tokens:
        count = _COORDINATES.get(command, 0)
        yield command, [round(float(next(tokens)) * _UNIT) for _ in range(count)]


def _format(hundredths: int) -> str:
    sign, (whole, rest) = "-" if hundredths < 0 else "", divmod(abs(hundredths), _UNIT)
    fraction = f".{rest:02d}".rstrip("0") if rest else ""
    return f"{sign}{whole or ''}{fraction}" if whole or fraction else "0"


def _separate(tokens: Iterable[str]) -> Iterator[str]:
    """Yield tokens, with a space where two numbers would run together."""
    previous = ""
    for token in tokens:
        is_ambiguous = token[0].isdigit() or (token[0] == "." and "." not in previous)
        yield f" {token}" if previous[-1:].isdigit() and is_ambiguous else token
        previous = token
