"""Which groups of settings an identity is made of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from scaling.architectures import Architecture, registered
from scaling.settings import ConfigModel


def groups(kind: Any) -> Iterator[type[ConfigModel]]:
    """A group and all groups in it."""
    if kind is Architecture:
        for spec in registered():
            yield from groups(spec)
    elif isinstance(kind, type) and issubclass(kind, ConfigModel):
        yield kind
        for field in kind.model_fields.values():
            yield from groups(field.annotation)
    for inner in get_args(kind):
        yield from groups(inner)
