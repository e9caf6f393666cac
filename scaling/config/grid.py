"""Grids: any leaf of a study may be a list, and then each of its values is one point of the axis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

LISTS = frozenset({"hidden"})
"""Leaves that are lists by themselves; a list of lists is their grid."""

SettingPath = tuple[str | int, ...]
"""``("architectures", 1, "filters", 0)``"""


@dataclass(frozen=True)
class Point:
    """One point of a grid."""

    leaves: dict[str, Any]
    places: dict[SettingPath, SettingPath]
    """For each leaf with an axis, where in the file this point's value stands."""

    def place(self, path: SettingPath) -> SettingPath:
        """Where in the file a leaf stands."""
        for axis, place in self.places.items():
            if path[: len(axis)] == axis:
                return place + path[len(axis) :]
        return path


WHOLE = Point({}, {})
"""Of leaves that hold no grid."""


def dotted(path: SettingPath) -> str:
    """``("architectures", 1, "filters", 0)`` as ``architectures[1].filters[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def axes(leaves: Any, path: SettingPath = ()) -> Iterator[tuple[SettingPath, list[Any]]]:
    """The leaves that hold a grid, with their values."""
    for name, value in leaves.items() if isinstance(leaves, dict) else ():
        here = (*path, name)
        if isinstance(value, dict):
            yield from axes(value, here)
        elif isinstance(value, list) and (name not in LISTS or any(isinstance(item, list) for item in value)):
            yield here, value


def problems(leaves: dict[str, Any]) -> list[tuple[SettingPath, str]]:
    """Grids that hold nothing, or one value twice."""
    found: list[tuple[SettingPath, str]] = []
    for path, values in axes(leaves):
        if not values:
            found.append((path, "an empty grid; give at least one value"))
        found.extend(
            ((*path, i), f"{value!r} stands twice in this grid")
            for i, value in enumerate(values)
            if value in values[:i]
        )
    return found


def size(leaves: dict[str, Any]) -> int:
    """How many points there are, none of them made."""
    return prod(len(values) for _, values in axes(leaves))


def points(leaves: dict[str, Any]) -> Iterator[Point]:
    """The product of all axes, the last one fastest."""
    grid = list(axes(leaves))
    for chosen in product(*(list(enumerate(values)) for _, values in grid)):
        point, places = copied(leaves), {}
        for (path, _), (index, value) in zip(grid, chosen, strict=True):
            inner = point
            for name in path[:-1]:
                inner = inner[name]
            inner[path[-1]] = value
            places[path] = (*path, index)
        yield Point(point, places)


def copied(leaves: Any) -> Any:
    """Mappings within mappings, each anew."""
    return {name: copied(value) for name, value in leaves.items()} if isinstance(leaves, dict) else leaves
