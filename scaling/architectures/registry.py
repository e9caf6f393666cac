"""The registered architectures, by their ``type``: the only list of them.

A module of your own registers its architecture when it is imported::

    register(Toy, network="my_package.toy_network:PackedToy")

Import that module before you load a study or read a store. Worker processes need nothing else: a
specification is pickled by reference, so unpickling it imports its module, which registers it there. The
module must therefore be importable, not ``__main__``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Union

from pydantic import Field, GetCoreSchemaHandler, TypeAdapter
from pydantic_core import CoreSchema, core_schema

from scaling.architectures.base import Architecture
from scaling.architectures.description import DerivedWidth, SettingLabel


@dataclass(frozen=True, kw_only=True)
class _Registration:
    spec: type[Architecture]
    network: str


_REGISTRATIONS: dict[str, _Registration] = {}


def register(spec: type[Architecture], *, network: str) -> None:
    """Make an architecture known under its ``type``.

    Args:
        spec: specification with a field ``type`` such as ``type: Literal["toy"] = "toy"``.
        network: ``module:class`` of its network, imported when the first one is built, so that planning needs
            no torch. See ``scaling.models.build`` for what the class must do; for an architecture with a
            ``fit_profile``, ``scaling.models.build_classifier``.

    Raises:
        ValueError: ``type`` has no default, or another architecture is registered under it.
    """
    name = spec.model_fields["type"].default
    if not isinstance(name, str):
        raise ValueError(f'{spec.__name__}.type: expected a default, as in type: Literal["toy"] = "toy"')
    registered = _REGISTRATIONS.get(name)
    if registered and _import_path(registered.spec) != _import_path(spec):
        raise ValueError(
            f"{spec.__name__}.type: {name!r} is registered for {_import_path(registered.spec)}; "
            "choose another name"
        )
    _REGISTRATIONS[name] = _Registration(spec=spec, network=network)
    _forget_unions()


def unregister(spec: type[Architecture]) -> None:
    """Forget an architecture, for example at the end of a test."""
    del _REGISTRATIONS[spec.model_fields["type"].default]
    _forget_unions()


def registered() -> tuple[type[Architecture], ...]:
    """Return the registered specifications in the order of their registration."""
    return tuple(registration.spec for registration in _REGISTRATIONS.values())


def network_path(spec: Architecture) -> str:
    """Return ``module:class`` of the network of a specification.

    Raises:
        ValueError: the architecture is not registered in this process.
    """
    if spec.type not in _REGISTRATIONS:
        raise ValueError(f"architecture {spec.type!r} is not registered; import the module that registers it")
    return _REGISTRATIONS[spec.type].network


@cache
def architecture_union() -> Any:
    """Return the registered specifications as a type for pydantic: a union discriminated by ``type``."""
    return Annotated[Union[registered()], Field(discriminator="type")]  # noqa: UP007


def derived_widths() -> tuple[DerivedWidth, ...]:
    """Return the derived widths of the registered architectures, each once."""
    return tuple(dict.fromkeys(spec.derived_width for spec in registered() if spec.derived_width))


def derived_width(architecture: str) -> DerivedWidth | None:
    """Return the derived width of the architecture of this type, if it has one."""
    registration = _REGISTRATIONS.get(architecture)
    return registration.spec.derived_width if registration else None


def is_fitted(architecture: str) -> bool:
    """Return whether the architecture of this type is fitted in one go rather than trained in epochs."""
    registration = _REGISTRATIONS.get(architecture)
    return registration is not None and registration.spec.fit_profile is not None


def recipe_settings(architecture: str) -> frozenset[str] | None:
    """Return the settings of a recipe that the architecture of this type uses; None if it uses all."""
    registration = _REGISTRATIONS.get(architecture)
    return registration.spec.recipe_settings if registration else None


def has_seeds(architecture: str) -> bool:
    """Return whether runs of the architecture of this type differ in seeds; True for an unknown type."""
    registration = _REGISTRATIONS.get(architecture)
    return registration is None or registration.spec.has_seeds


def has_widths(architecture: str) -> bool:
    """Return whether the architecture of this type has several widths; True for an unknown type."""
    registration = _REGISTRATIONS.get(architecture)
    return registration is None or registration.spec.has_widths


def title_settings() -> tuple[str, ...]:
    """Return the settings that name networks in place of their architecture's type."""
    return tuple(dict.fromkeys(spec.title_setting for spec in registered() if spec.title_setting))


def setting_labels() -> dict[str, SettingLabel]:
    """Return the labels of all settings of architectures, by the names of the settings."""
    return {
        name: label
        for spec in registered()
        for parent in reversed(spec.__mro__)
        for name, label in vars(parent).get("setting_labels", {}).items()
    }


class _Registered:
    """Validates a field against the architectures that are registered by the time of the validation."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def validate(value: Any, info: Any) -> Any:  # a ValidationInfo, which beartype cannot check
            return _adapter().validate_python(value, context=info.context)

        return core_schema.with_info_plain_validator_function(validate)


AnyArchitecture = Annotated[Architecture, _Registered()]
"""Any registered architecture, as the type of a field."""


@cache
def _adapter() -> TypeAdapter:
    return TypeAdapter(architecture_union())


def _forget_unions() -> None:
    """Forget the union of the specifications, after one of them was added or removed."""
    architecture_union.cache_clear()
    _adapter.cache_clear()


def _import_path(spec: type[Architecture]) -> str:
    return f"{spec.__module__}.{spec.__qualname__}"
