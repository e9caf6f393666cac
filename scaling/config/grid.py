"""Grids: any setting of a study may be a list; then each of its values is one point of the grid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

_LIST_SETTINGS = frozenset(
    {("hidden",), ("input_range",), ("targets",), ("schedule", "epochs"), ("schedule", "factors")}
)
"""Settings whose value is a list, by the end of their path. Their grid is a list of lists."""

SettingPath = tuple[str | int, ...]
"""Path of a setting in a file, such as ``("architectures", 1, "filters", 0)``."""

Locate = Callable[[SettingPath], SettingPath]
"""Function from the path of a setting within its group to its path in the file."""


@dataclass(frozen=True)
class GridPoint:
    """One point of a grid."""

    settings: dict[str, Any]
    """Settings with one value each."""
    value_paths: dict[SettingPath, SettingPath]
    """For each setting with several values, by its path in the group: the path of this point's value."""

    def locate(self, path: SettingPath) -> SettingPath:
        """Return the path of a setting's value, with its position if the setting has several values."""
        for axis, value_path in self.value_paths.items():
            if path[: len(axis)] == axis:
                return value_path + path[len(axis) :]
        return path


@dataclass(frozen=True)
class GridProblem:
    """A list that cannot be a grid."""

    path: SettingPath
    """Path of the list or of its value within the group."""
    text: str
    """What is wrong and what to do."""


def locator(root: SettingPath, point: GridPoint | None = None) -> Locate:
    """Return the function that locates the settings of a group in the file.

    Args:
        root: path of the group in the file.
        point: point of the group's grid, if the group has one.
    """

    def locate(path: SettingPath) -> SettingPath:
        return root + (point.locate(path) if point else path)

    return locate


def dotted(path: SettingPath) -> str:
    """Return a path as text: ``architectures[1].filters[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def grid_axes(settings: Any, path: SettingPath = ()) -> Iterator[tuple[SettingPath, list[Any]]]:
    """Yield the path and the values of each setting that has several values."""
    for name, value in settings.items() if isinstance(settings, dict) else ():
        inner = (*path, name)
        if isinstance(value, dict):
            yield from grid_axes(value, inner)
        elif isinstance(value, list):
            has_list_value = not _LIST_SETTINGS.isdisjoint({inner[-1:], inner[-2:]})
            if not has_list_value or any(isinstance(item, list) for item in value):
                yield inner, value


def grid_problems(settings: dict[str, Any]) -> Iterator[GridProblem]:
    """Yield each list that is empty and each value that is listed twice."""
    for path, values in grid_axes(settings):
        if not values:
            yield GridProblem(path, "an empty grid; give at least one value")
        for i, value in enumerate(values):
            if value in values[:i]:
                yield GridProblem((*path, i), f"{value!r} is listed twice in this grid")


def grid_size(settings: dict[str, Any]) -> int:
    """Return the number of points, without creating them."""
    return prod(len(values) for _, values in grid_axes(settings))


def grid_points(settings: dict[str, Any]) -> Iterator[GridPoint]:
    """Yield the product of all axes; the last axis changes fastest."""
    axes = list(grid_axes(settings))
    for choices in product(*(list(enumerate(values)) for _, values in axes)):
        point, value_paths = copy_mappings(settings), {}
        for (path, _), (index, value) in zip(axes, choices, strict=True):
            group = point
            for name in path[:-1]:
                group = group[name]
            group[path[-1]] = value
            value_paths[path] = (*path, index)
        yield GridPoint(point, value_paths)


def copy_mappings(settings: Any) -> Any:
    """Copy nested mappings. Other values are shared."""
    if not isinstance(settings, dict):
        return settings
    return {name: copy_mappings(value) for name, value in settings.items()}
