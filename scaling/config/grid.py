"""Grids: any setting of a study may be a list; then each of its values is one point of the grid."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, TypeVar

from scaling.errors import shorten

_LIST_SETTINGS = frozenset(
    {("hidden",), ("input_range",), ("targets",), ("schedule", "epochs"), ("schedule", "factors")}
)
"""Settings whose value is a list, by the end of their path. Their grid is a list of lists."""

SettingPath = tuple[str | int, ...]
"""Path of a setting in a file, such as ``("architectures", 1, "filters", 0)``."""

Locate = Callable[[SettingPath], SettingPath]
"""Function from the path of a setting within its group to its path in the file."""


_MAX_NAME_LENGTH = 60
"""Largest number of characters of one name in a path as text."""
_Validated = TypeVar("_Validated")


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
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += "." * bool(text) + shorten(str(part), _MAX_NAME_LENGTH)
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
        seen: set[Any] = set()
        for i, value in enumerate(values):
            key = _hashable(value)
            if key in seen:
                yield GridProblem((*path, i), f"{value!r} is listed twice in this grid")
            seen.add(key)


def _hashable(value: Any) -> Any:
    """Return a hashable copy; two copies are equal if and only if the values are."""
    if isinstance(value, dict):
        return frozenset((name, _hashable(inner)) for name, inner in value.items())
    return tuple(map(_hashable, value)) if isinstance(value, list) else value


def grid_size(settings: dict[str, Any]) -> int:
    """Return the number of points, without creating them."""
    return prod(len(values) for _, values in grid_axes(settings))


def grid_points(settings: dict[str, Any]) -> Iterator[GridPoint]:
    """Yield the product of all axes; the last axis changes fastest."""
    axes = list(grid_axes(settings))
    for indices in product(*(range(len(values)) for _, values in axes)):
        yield _grid_point(settings, axes, indices)


def grid_values(settings: dict[str, Any]) -> Iterator[GridPoint]:
    """Yield one point for each value of each axis, with the first values of the other axes.

    Their number is the number of values; the product of the axes can be much larger.
    """
    axes = list(grid_axes(settings))
    sizes = [len(values) for _, values in axes]
    if not all(sizes):
        return
    yield _grid_point(settings, axes, [0] * len(axes))
    for axis, size in enumerate(sizes):
        for index in range(1, size):
            yield _grid_point(settings, axes, [index if i == axis else 0 for i in range(len(axes))])


def validated_points(
    settings: dict[str, Any], validate: Callable[[GridPoint], _Validated | None]
) -> Iterator[_Validated]:
    """Yield the validated points of a grid.

    If a value is invalid, only the valid ones of ``grid_values`` are validated: a grid of many points would
    repeat the problem many times.

    Args:
        settings: settings with a grid.
        validate: function that returns None for an invalid point.
    """
    results = [validate(point) for point in grid_values(settings)]
    valid = [result for result in results if result is not None]
    if len(valid) < len(results) or len(results) == grid_size(settings):
        yield from valid
        return
    for point in grid_points(settings):
        if (result := validate(point)) is not None:
            yield result


def _grid_point(
    settings: dict[str, Any], axes: Sequence[tuple[SettingPath, list[Any]]], indices: Sequence[int]
) -> GridPoint:
    point, value_paths = copy_mappings(settings), {}
    for (path, values), index in zip(axes, indices, strict=True):
        group = point
        for name in path[:-1]:
            group = group[name]
        group[path[-1]] = values[index]
        value_paths[path] = (*path, index)
    return GridPoint(point, value_paths)


def copy_mappings(settings: Any) -> Any:
    """Copy nested mappings. Other values are shared."""
    if not isinstance(settings, dict):
        return settings
    return {name: copy_mappings(value) for name, value in settings.items()}
