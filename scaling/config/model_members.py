"""Configuration models inside the annotation of a setting."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scaling.settings import ConfigModel


def model_members(annotation: Any) -> list[type[ConfigModel]]:
    """Return the models in an annotation, such as the members of a union; empty for a plain value."""
    return list(_members(annotation))


def _members(annotation: Any) -> Iterator[type[ConfigModel]]:
    if isinstance(annotation, type):
        if issubclass(annotation, ConfigModel):
            yield annotation
        return
    for inner in getattr(annotation, "__args__", ()):
        yield from _members(inner)
