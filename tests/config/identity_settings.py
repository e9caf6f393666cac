"""Configuration models that are part of a run's identity."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from scaling.architectures import Architecture, registered
from scaling.settings import ConfigModel


def nested_models(annotation: Any) -> Iterator[type[ConfigModel]]:
    """Yield a model and all models in it."""
    if annotation is Architecture:
        for spec in registered():
            yield from nested_models(spec)
    elif isinstance(annotation, type) and issubclass(annotation, ConfigModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from nested_models(field.annotation)
    for inner in get_args(annotation):
        yield from nested_models(inner)
