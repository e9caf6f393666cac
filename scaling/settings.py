"""Leaves of a configuration: immutable, strict settings, and the marks that say how a run's identity sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Annotated, Any, TypeVar

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, model_validator

NonNegativeInt = Annotated[int, Field(ge=0, lt=2**53)]
"""A whole number, at least 0. An identity's JSON (RFC 8785) writes none from 2**53 on."""

PositiveInt = Annotated[int, Field(ge=1, lt=2**53)]
"""A whole number, at least 1."""

FROM_IDENTITY = "from identity"
"""Context of a validation that reads an identity back."""


Group = TypeVar("Group", bound="ConfigModel")


class ConfigModel(BaseModel):
    """A group of settings: immutable, strict, no key it doesn't know."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _restore(cls, leaves: Any, info: Any) -> Any:  # a ValidationInfo, which beartype can't check
        """Fill in what an identity omits."""
        if info.context != FROM_IDENTITY or not isinstance(leaves, dict):
            return leaves
        return {**{name: mark.value for name, mark in cls.identity_defaults().items()}, **leaves}

    @classmethod
    @cache
    def identity_defaults(cls) -> dict[str, IdentityDefault]:
        """The leaves that an identity may omit."""
        return {
            name: mark
            for name, field in cls.model_fields.items()
            for mark in field.metadata
            if isinstance(mark, IdentityDefault)
        }

    @classmethod
    @cache
    def setting_names(cls) -> tuple[str, ...]:
        """All leaves but derived ones: what makes two groups equal."""
        return tuple(
            name
            for name, field in cls.model_fields.items()
            if not any(isinstance(mark, NotInIdentity) for mark in field.metadata)
        )

    def setting_values(self) -> dict[str, Any]:
        """The settings and their values."""
        return {name: getattr(self, name) for name in self.setting_names()}

    @cached_property
    def identity(self) -> str:
        """What a run's id sees, as canonical JSON (RFC 8785): no derived leaf, none that equals its frozen value.

        Kept, because the runs of a cell share their recipe and their network.
        """
        frozen = self.identity_defaults()
        kept = sorted(
            (name, value)
            for name, value in self.setting_values().items()
            if name not in frozen or value != frozen[name].value
        )
        return "{" + ",".join(f'"{name}":{_canonical(value)}' for name, value in kept) + "}"

    def model_copy(self: Group, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Group:
        """A copy with other values, validated; Pydantic's own would keep what was computed from the old ones, such as an id."""
        return self.model_validate({**self.setting_values(), **(update or {})})

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ConfigModel)
            and type(self) is type(other)
            and self.setting_values() == other.setting_values()
        )

    def __hash__(self) -> int:
        return hash((type(self), *self.setting_values().values()))


def _canonical(value: Any) -> str:
    if isinstance(value, ConfigModel):
        return value.identity
    plain = type(value) is int and abs(value) < 2**53  # as seeds are, of which a plan has thousands
    return str(value) if plain else rfc8785.dumps(value).decode()


class IdentityDefault:
    """Marks a leaf that is left out of a run's identity while it equals ``value``.

    A field that is added later carries one, with the value that reproduces the behaviour before it: then no old id changes.
    It is NOT the default, which may change; this value never does.
    """

    def __init__(self, value: Any) -> None:
        self.value = value


class NotInIdentity:
    """Marks a leaf that only helps to write another one, such as a ratio: part of no identity and no comparison."""


@dataclass(frozen=True)
class Problem:
    """A setting that has the right type and cannot be used all the same."""

    field: str
    """Dotted path of the setting within its group, such as ``augmentation.crop``."""
    text: str
    """What is wrong and what is permitted."""

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(self.field.split("."))


@dataclass(frozen=True)
class ImageShape:
    """What a network sees and says: square images of some channels, and classes."""

    channels: int
    side: int
    classes: int
