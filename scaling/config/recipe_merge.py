"""Merging of an architecture's own recipe over the study's recipe."""

from __future__ import annotations

from typing import Any

from scaling.config.grid import GridPoint, SettingPath, copy_mappings


def merge(base: dict[str, Any], override: dict[str, Any]) -> dict[str, Any]:
    """Merge an architecture's own recipe over the study's recipe.

    A group that gives its ``type`` replaces the group of the base; any other group is merged with it.
    """
    merged = dict(base)
    for name, value in override.items():
        merged[name] = {**base[name], **value} if _is_merged(base.get(name), value) else value
    return merged


def is_overridden(path: SettingPath, *, base: dict[str, Any], override: dict[str, Any]) -> bool:
    """Return whether a changed setting must be repeated in the architecture's own recipe.

    The empty path, of the whole recipe, stands for a key that is no text, which only an own recipe can have.
    """
    if not path:
        return True
    name, *inner = path
    if name not in override:
        return False
    return not inner or not _is_merged(base.get(name), override[name]) or inner[0] in override[name]


def pin(override: dict[str, Any], point: GridPoint) -> dict[str, Any]:
    """Return an override that reduces the merged recipe's grid to one point.

    Args:
        override: recipe that is merged over a base.
        point: point of the grid of the merged recipe; the axes of the base are pinned too.
    """
    pinned: dict[str, Any] = copy_mappings(override)
    for *groups, setting in point.value_paths:
        target: Any = pinned
        source: Any = point.settings
        for name in groups:
            target, source = target.setdefault(name, {}), source[name]
        target[setting] = source[setting]
    return pinned


def _is_merged(base: Any, override: Any) -> bool:
    return isinstance(base, dict) and isinstance(override, dict) and "type" not in override
