"""Problems of a study's file, as messages: the path of the setting, what is wrong and what is permitted."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from reprlib import repr as short_repr
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from scaling.config.corrections import (
    corrected_value,
    misplaced_type,
    own_form,
    own_network_form,
    similar_setting,
    similar_value,
)
from scaling.config.grid import Locate, SettingPath, dotted
from scaling.config.model_members import model_members
from scaling.errors import ConfigError
from scaling.settings import ConfigModel

_EXPECTED = {
    "int_type": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping of keys to values",
    "model_type": "a mapping of keys to values",
    "model_attributes_type": "a mapping of keys to values",
    "greater_than_equal": "a number >= {ge:.16g}",
    "greater_than": "a number > {gt:.16g}",
    "less_than_equal": "a number <= {le:.16g}",
    "less_than": "a number < {lt:.16g}",
    "literal_error": "{expected}",
    "union_tag_invalid": "one of {expected_tags}",
    "too_short": "a list with at least {min_length} value",
    "too_long": "a list with at most {max_length} values",
    "string_too_short": "text that is not empty",
    "string_too_long": "text of at most {max_length} characters",
    "string_pattern_mismatch": "a letter or digit, then letters, digits, '.', '_' or '-'",
    "finite_number": "a finite number",
}
"""Expected value for each of Pydantic's types of errors."""


_INTEGER_GRIDS = ("filters", "macs", "parameters")
"""Settings of an architecture that are often a list of integers."""


FindLine = Callable[[SettingPath], int | None]
"""Function from the path of a setting in a file to its line."""


class ConfigProblems:
    """Collected problems of a study's file, each once."""

    def __init__(self, source: str, find_line: FindLine = lambda path: None) -> None:
        """Create an empty collection.

        Args:
            source: name of the file.
            find_line: finds the line of a setting, from 1; None if the file does not contain the setting.
        """
        self._source = source
        self._find_line = find_line
        self._paths: dict[str, SettingPath] = {}

    def add(self, path: SettingPath, text: str) -> None:
        """Add a problem.

        Args:
            path: path of the setting in the file; empty for the whole file.
            text: what is wrong and what is permitted.
        """
        self._paths.setdefault(f"{dotted(path)}: {text}" if path else text, path)

    def raise_if_any(self) -> None:
        """Raise an error if there are problems.

        Raises:
            ConfigError: the message lists all problems.
        """
        if self._paths:
            shown = ConfigError.shown(list(self._paths.values()))
            raise ConfigError(
                list(self._paths), self._source, lines=[self._find_line(path) for path in shown]
            )

    def validate(self, config_type: Any, settings: Any, locate: Locate = lambda path: path) -> Any:
        """Validate settings, and add what is wrong with them.

        Args:
            config_type: a ``ConfigModel``, a union of such models, or an annotated type.
            settings: the settings as the file gives them.
            locate: finds the settings in the file.

        Returns:
            The validated settings, or None if they are invalid.
        """
        try:
            return _adapter(config_type).validate_python(settings)
        except ValidationError as error:
            errors = [(details, _path_in_group(details, settings)) for details in error.errors()]
            misspelt = {
                (*path[:-1], similar_setting(locate(path), _permitted_keys(details, config_type)))
                for details, path in errors
                if details["type"] == "extra_forbidden"
            }
            for details, path in errors:
                if details["type"] == "missing" and path in misspelt:
                    continue  # the unknown key with a similar name is the same mistake
                located = locate(path)
                if details["type"] == "extra_forbidden" and located[-1] != path[-1]:
                    located = located[:-1]  # a grid under an unknown key is one problem, of the key
                self.add(located, _message(details, config_type, located))
        return None


@lru_cache(maxsize=16)
def _adapter(config_type: Any) -> TypeAdapter:
    """Return Pydantic's validator of a type; that of all architectures takes milliseconds to make."""
    return TypeAdapter(config_type)


def _path_in_group(details: ErrorDetails, settings: Any) -> SettingPath:
    """Return Pydantic's location without the tags of unions, which are not in the file."""
    location, kind = details["loc"], details["type"]
    path: list[str | int] = []
    inner, has_tag = settings, False
    for i, part in enumerate(location):
        if not has_tag and i < len(location) - 1 and isinstance(inner, dict) and part == inner.get("type"):
            has_tag = True  # an entry may have a key of the same name: {type: module, module: ...}
            continue
        in_mapping = isinstance(inner, dict) and part in inner
        in_list = isinstance(inner, list | tuple) and isinstance(part, int) and part < len(inner)
        if in_mapping or in_list:
            inner, has_tag = inner[part], False
            path.append(part)
        elif kind == "missing" and i == len(location) - 1:
            path.append(part)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        path.append("type")
    return tuple(path)


def _message(details: ErrorDetails, config_type: Any, located: SettingPath) -> str:
    """Return what is wrong with a setting.

    Args:
        details: Pydantic's error.
        config_type: type of the group that was validated.
        located: path of the setting in the file.
    """
    given, context, location = details["input"], details.get("ctx", {}), details["loc"]
    match details["type"]:
        case "extra_forbidden":
            return _unknown_key(located, _permitted_keys(details, config_type))
        case "invalid_key" if given is None or isinstance(given, tuple):
            return f"expected text as a key, got {short_repr(given)}"
        case "invalid_key" | "string_type" if isinstance(given, int) and given in location:
            hint = "; put a list into brackets, as in [1, 2, 4]" if len(located) > 1 else ""
            return f"expected text as a key{hint}"
        case "missing":
            return "is missing"
        case "union_tag_not_found":
            types = [str(model.model_fields["type"].default) for model in _models(config_type, location)]
            return f"is missing; {misplaced_type(given, types)}expected one of {', '.join(map(repr, types))}"
        case "union_tag_invalid":
            given = context["tag"]
        case "value_error":
            return str(context["error"])
    if details["type"] not in _EXPECTED:
        return f"{details['msg']}, got {short_repr(given)}"
    expected = _EXPECTED[details["type"]].format(**context)
    if details["type"] == "union_tag_invalid" and (own := own_form(located[:-1], given)):
        return f"write {own}; expected {expected}, got {short_repr(given)}"
    if details["type"] in ("literal_error", "union_tag_invalid"):
        values = re.findall("'([^']*)'", expected)
        similar = similar_value(given, values)
        hint = f"did you mean {similar}? " if similar and similar != given else ""
        if details["type"] == "union_tag_invalid" and (own := own_network_form(located, given, values)):
            hint = f"a network of your own is written {own}; "
        return f"{hint}expected {expected}, got {short_repr(given)}"
    if located[:1] == ("architectures",) and located[-1] in _INTEGER_GRIDS:
        expected = expected.replace("an integer", "an integer or a list of integers", 1)
    correction = corrected_value(located, given, _models(config_type, location), expected)
    return f"expected {expected}, got {short_repr(given)}{correction}"


def _unknown_key(path: SettingPath, permitted: list[str]) -> str:
    close = similar_setting(path, permitted)
    hint = f"did you mean {close}? " if close else ""
    return f"unknown key; {hint}permitted: {', '.join(permitted)}"


def _permitted_keys(details: ErrorDetails, config_type: Any) -> list[str]:
    models = _models(config_type, details["loc"][:-1])
    return sorted({name for model in models for name in model.model_fields})


def _models(config_type: Any, location: SettingPath) -> list[type[ConfigModel]]:
    """Return the models that may be at a location of Pydantic's, which includes the tags of unions."""
    models = model_members(config_type)
    for part in location:
        tagged = [
            model
            for model in models
            if "type" in model.model_fields and model.model_fields["type"].default == part
        ]
        models = tagged or [
            member
            for model in models
            if part in model.model_fields
            for member in model_members(model.model_fields[str(part)].annotation)
        ]
    return models
