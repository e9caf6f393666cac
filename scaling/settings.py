"""Base class of all configuration models, and markers of the settings that a run's identity includes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Annotated, Any, TypeVar

import rfc8785
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

NonNegativeInt = Annotated[int, Field(ge=0, lt=2**53)]
"""Integer >= 0. The JSON of an identity (RFC 8785) cannot represent integers from 2**53 on."""

PositiveInt = Annotated[int, Field(ge=1, lt=2**53)]
"""Integer >= 1. The JSON of an identity (RFC 8785) cannot represent integers from 2**53 on."""


def zero_or_at_least(minimum: float) -> AfterValidator:
    """Return a constraint for a number that is 0, or at least as far from 0 as has an effect."""

    def check(value: float) -> float:
        if 0 < abs(value) < minimum:
            raise ValueError(f"expected 0 or a number of at least {minimum:g} in size, got {value!r}")
        return value

    return AfterValidator(check)


FROM_IDENTITY = "from identity"
"""Validation context that is set when an identity is parsed."""

Model = TypeVar("Model", bound="ConfigModel")


class ConfigModel(BaseModel):
    """Base class of all configuration models: immutable, strict, and without unknown keys."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _add_omitted(cls, settings: Any, info: Any) -> Any:  # beartype cannot check a ValidationInfo
        """Add the settings that an identity omits."""
        if info.context != FROM_IDENTITY or not isinstance(settings, dict):
            return settings
        return {name: default.value for name, default in cls.identity_defaults().items()} | settings

    @classmethod
    @cache
    def identity_defaults(cls) -> dict[str, IdentityDefault]:
        """Return the settings that an identity may omit, with their markers."""
        return {
            name: marker
            for name, field in cls.model_fields.items()
            for marker in field.metadata
            if isinstance(marker, IdentityDefault)
        }

    @classmethod
    @cache
    def setting_names(cls) -> tuple[str, ...]:
        """Return the names of the settings that identity and equality consider."""
        return tuple(
            name
            for name, field in cls.model_fields.items()
            if not any(isinstance(marker, NotInIdentity) for marker in field.metadata)
        )

    def setting_values(self) -> dict[str, Any]:
        """Return the settings that identity and equality consider, with their values."""
        return {name: getattr(self, name) for name in self.setting_names()}

    @cached_property
    def identity(self) -> str:
        """Canonical JSON (RFC 8785) that a run's id hashes.

        It omits settings that are ``NotInIdentity`` and settings whose value is their ``IdentityDefault``.
        The text is cached, because all runs of a cell share their recipe and their architecture.
        """
        defaults = self.identity_defaults()
        included = sorted(
            (name, value)
            for name, value in self.setting_values().items()
            if name not in defaults or value != defaults[name].value
        )
        return "{" + ",".join(f'"{name}":{_canonical_json(value)}' for name, value in included) + "}"

    def model_copy(self: Model, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Model:
        """Return a validated copy with other values.

        Pydantic's own method would keep what was computed from the old values, such as an id.
        """
        return self.model_validate({**self.setting_values(), **(update or {})})

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, ConfigModel)
            and type(self) is type(other)
            and self.setting_values() == other.setting_values()
        )

    def __hash__(self) -> int:
        return hash((type(self), *self.setting_values().values()))


def _canonical_json(value: Any) -> str:
    if isinstance(value, ConfigModel):
        return value.identity
    if type(value) is int and abs(value) < 2**53:  # fast path: a plan has thousands of seeds
        return str(value)
    return rfc8785.dumps(value).decode()


class IdentityDefault:
    """Marker of a setting that a run's identity omits while it has this value.

    A setting that is added later gets this marker, with the value that reproduces the behaviour before the
    setting existed. Then no existing run id changes. The value is independent of the setting's default: the
    default may change, this value never.

    Args:
        value: the value.
    """

    def __init__(self, value: Any) -> None:
        self.value = value


class NotInIdentity:
    """Marker of a setting, such as a ratio, that identity and equality ignore.

    Such a setting only determines the value of another setting.
    """


@dataclass(frozen=True)
class Problem:
    """A setting of the right type whose value cannot be used together with others."""

    field: str
    """Dotted path of the setting within its group, such as ``augmentation.crop``."""
    text: str
    """What is wrong and what is permitted."""

    @property
    def path(self) -> tuple[str, ...]:
        """Path of the setting within its group."""
        return tuple(self.field.split("."))


@dataclass(frozen=True)
class ImageShape:
    """Shape of the images and number of classes."""

    channels: int
    """Number of channels: 1 for grey, 3 for colour."""
    side: int
    """Height and width in pixels."""
    classes: int
    """Number of classes."""
