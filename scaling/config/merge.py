"""A recipe of an architecture's own, laid over the study's."""

from __future__ import annotations

from typing import Any

from scaling.config.grid import Point, SettingPath, copied


def merge(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """A group that names its type replaces the one below; any other is merged with it."""
    merged = dict(below)
    for name, value in above.items():
        merged[name] = {**below[name], **value} if _merges(below.get(name), value) else value
    return merged


def is_above(path: SettingPath, below: dict[str, Any], above: dict[str, Any]) -> bool:
    """Whether a leaf of the two, laid over each other, is for the upper one to mend."""
    name, *inner = path
    if name not in above:
        return False
    return not inner or not _merges(below.get(name), above[name]) or inner[0] in above[name]


def pinned(above: dict[str, Any], point: Point) -> dict[str, Any]:
    """What to lay over the same group so that only this point of the grids is left, those of the lower one included."""
    own: dict[str, Any] = copied(above)
    for *groups, leaf in point.places:
        inner: Any = own
        value: Any = point.leaves
        for name in groups:
            inner, value = inner.setdefault(name, {}), value[name]
        inner[leaf] = value[leaf]
    return own


def _merges(old: Any, new: Any) -> bool:
    return isinstance(old, dict) and isinstance(new, dict) and "type" not in new
