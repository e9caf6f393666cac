"""Leaves of a configuration: immutable, strict settings, and the marks that say how a run's identity sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, model_validator

Count = Annotated[int, Field(ge=1)]
"""A whole number, at least 1."""

FROM_IDENTITY = "from identity"
"""Context of a validation that reads an identity back."""


class Leaves(BaseModel):
    """A group of settings: immutable, strict, no key it doesn't know."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _restore(cls, leaves: Any, info: ValidationInfo) -> Any:
        """Fill in what an identity omits."""
        if info.context != FROM_IDENTITY or not isinstance(leaves, dict):
            return leaves
        return {**{name: mark.value for name, mark in cls.frozen().items()}, **leaves}

    @classmethod
    def frozen(cls) -> dict[str, Frozen]:
        """The leaves that an identity may omit."""
        return {name: mark for name, field in cls.model_fields.items() for mark in field.metadata if isinstance(mark, Frozen)}

    def identity(self) -> dict[str, Any]:
        """What a run's id sees, ready for JSON: no derived leaf, none that equals its frozen value."""
        kept = {}
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            marks = [mark for mark in field.metadata if isinstance(mark, Frozen | Derived)]
            if any(isinstance(mark, Derived) or mark.value == value for mark in marks):
                continue
            kept[name] = value.identity() if isinstance(value, Leaves) else list(value) if isinstance(value, tuple) else value
        return kept


class Frozen:
    """Marks a leaf that is left out of a run's identity while it equals ``value``.

    A field that is added later carries one, with the value that reproduces the behaviour before it: then no old id changes.
    It is NOT the default, which may change; this value never does.
    """

    def __init__(self, value: Any) -> None:
        self.value = value


class Derived:
    """Marks a leaf that only helps to write another one, such as a ratio: it is never part of an identity."""


@dataclass(frozen=True)
class ImageShape:
    """What a network sees and says: square images of some channels, and classes."""

    channels: int
    side: int
    classes: int
