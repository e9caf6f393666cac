"""Overrides: settings of a study's file that a command changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from scaling.config.grid import SettingPath
from scaling.config.study_source import StudySource
from scaling.config.yaml_reader import MAX_DEPTH, parse_yaml
from scaling.errors import ConfigError, shorten

_MAX_ORIGIN_LENGTH = 80


@dataclass(frozen=True)
class Override:
    """A changed setting."""

    origin: str
    """Name of the override, for messages."""
    parts: tuple[str, ...]
    """Path of the setting; a position in a list is still text."""
    value: Any
    """New value of the setting."""

    @classmethod
    def parse(cls, text: str) -> Override:
        """Parse ``path=value``, such as ``recipe.epochs=5``; the value is YAML.

        Raises:
            ConfigError: the text is something else.
        """
        origin = shorten(f"`overrides` {text}", _MAX_ORIGIN_LENGTH)
        path, equals, value = text.partition("=")
        parts = tuple(path.replace("]", "").replace("[", ".").split("."))
        if not equals or not all(parts) or len(parts) > MAX_DEPTH:
            raise ConfigError(["expected path=value, such as recipe.epochs=5"], origin)
        return cls(origin, parts, parse_yaml(value, origin))

    def apply(self, raw: dict[str, Any], *, source: StudySource) -> None:
        """Change the setting in the keys of a study's file.

        Raises:
            ConfigError: the setting has no place in the file.
        """
        group: Any = raw
        *outer, last = self.parts
        try:
            for part in outer:
                group = group[_list_index(part)] if isinstance(group, list) else group.setdefault(part, {})
            group[_list_index(last) if isinstance(group, list) else last] = self.value
        except (TypeError, AttributeError, ValueError, IndexError):
            raise ConfigError([f"no such setting in {source}{self._hint(raw)}"], self.origin) from None

    def _hint(self, raw: dict[str, Any]) -> str:
        """Return how an entry of a list is named, for a path that lacks its position."""
        name, *rest = self.parts
        match raw.get(name):
            case [dict() as first, *_] if rest and rest[0] in first:
                return (
                    f"; {name} is a list: {'.'.join([f'{name}[0]', *rest])} is a setting of its first entry"
                )
        return ""

    def paths(self) -> Iterator[SettingPath]:
        """Yield the path of each setting that gets a value."""
        yield from _leaf_paths(self.parts, self.value)


def apply_overrides(overrides: Iterable[str], raw: dict[str, Any], *, source: StudySource) -> None:
    """Change settings in the keys of a study's file.

    Raises:
        ConfigError: an override is no ``path=value``, has no place in the file, or replaces an earlier one.
    """
    given: dict[SettingPath, str] = {}
    for override in map(Override.parse, overrides):
        if override.parts in given:
            raise ConfigError(
                [f"replaces the value of {given[override.parts]}; give one of the two"], override.origin
            )
        override.apply(raw, source=source)
        for path in _value_paths(override.parts, override.value):
            for length in range(1, len(path) + 1):
                given.setdefault(path[:length], override.origin)


def _value_paths(path: SettingPath, value: Any) -> Iterator[SettingPath]:
    """Yield the path of each value, also of those in lists."""
    if not value or not isinstance(value, dict | list):
        yield path
        return
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _value_paths((*path, str(name)), inner)


def _leaf_paths(path: SettingPath, value: Any) -> Iterator[SettingPath]:
    if not isinstance(value, dict):
        yield path
        return
    for name, inner in value.items():
        yield from _leaf_paths((*path, name), inner)


def _list_index(part: str) -> int:
    """Parse an index that counts from 0. Python would accept 00, and -1, which counts from the end."""
    if not part.isdecimal() or part != str(int(part)):
        raise ValueError(part)
    return int(part)
