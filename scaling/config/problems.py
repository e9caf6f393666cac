"""What is wrong with a study, in words: each fault by its path in the file, and what is permitted there."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from reprlib import repr as shortened
from typing import Any

from pydantic import TypeAdapter, ValidationError

from scaling.config.grid import SettingPath, dotted
from scaling.errors import ConfigError
from scaling.settings import ConfigModel

WORDS = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "model_attributes_type": "must be a mapping of keys to values",
    "greater_than_equal": "must be at least {ge:.16g}",
    "greater_than": "must be above {gt:.16g}",
    "less_than_equal": "must be at most {le:.16g}",
    "less_than": "must be below {lt:.16g}",
    "literal_error": "must be {expected}",
    "union_tag_invalid": "must be one of {expected_tags}",
    "too_short": "must hold at least {min_length}",
    "string_too_short": "must not be empty",
    "string_pattern_mismatch": "must begin with a letter or a digit and hold only these, '.', '_' and '-'",
    "finite_number": "must be finite",
}
"""For Pydantic's kinds of faults."""

FieldPath = Callable[[SettingPath], SettingPath]
"""From a path within a group of settings to the one in the file."""


class ConfigProblems:
    """All that was found, each fault once."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lines: dict[str, None] = {}

    def add(self, path: SettingPath, text: str) -> None:
        self.lines[f"{dotted(path)}: {text}" if path else text] = None

    def stop(self) -> None:
        """Go no further if anything is wrong.

        Raises:
            ConfigError: with every fault so far.
        """
        if self.lines:
            raise ConfigError(list(self.lines), self.source)

    def validate(self, kind: Any, leaves: Any, place: FieldPath = lambda path: path) -> Any:
        """What ``leaves`` say as a ``kind``: a model or a union of models. None where they can't be one."""
        try:
            return TypeAdapter(kind).validate_python(leaves)
        except ValidationError as error:
            for problem in error.errors():
                path = _located(problem, leaves)
                placed = place(path)
                if problem["type"] == "extra_forbidden" and placed[-1] != path[-1]:
                    placed = placed[:-1]  # a grid under an unknown key is one fault, of the key
                self.add(placed, _words(problem, kind))
        return None


def _located(problem: Any, leaves: Any) -> SettingPath:
    """Pydantic's location without the tags of unions, which no file holds."""
    path: list[str | int] = []
    inner = leaves
    for i, part in enumerate(problem["loc"]):
        if (isinstance(inner, dict) and part in inner) or (
            isinstance(inner, list | tuple) and isinstance(part, int)
        ):
            inner = inner[part]
        elif not (i == len(problem["loc"]) - 1 and problem["type"] == "missing"):
            continue
        path.append(part)
    if problem["type"] in ("union_tag_invalid", "union_tag_not_found"):
        path.append("type")
    return tuple(path)


def _words(problem: Any, kind: Any) -> str:
    given, context, location = problem["input"], problem.get("ctx", {}), problem["loc"]
    match problem["type"]:
        case "extra_forbidden":
            permitted = sorted(
                {name for model in _models(kind, location[:-1]) for name in model.model_fields}
            )
            close = get_close_matches(str(location[-1]), permitted, n=1)
            return (
                "unknown key; "
                + (f"did you mean {close[0]}? " if close else "")
                + "permitted: "
                + ", ".join(permitted)
            )
        case "invalid_key" if given is None or isinstance(given, tuple):
            return f"a key must be text, not {shortened(given)}"
        case "invalid_key" | "string_type" if isinstance(given, int) and given in location:
            return "a key must be text"
        case "missing":
            return "is missing"
        case "union_tag_not_found":
            return "is missing; one of " + ", ".join(
                repr(model.model_fields["type"].default) for model in _models(kind, location)
            )
        case "union_tag_invalid":
            given = context["tag"]
        case "value_error":
            return str(context["error"])
    return f"{WORDS.get(problem['type'], problem['msg']).format(**context)}, not {shortened(given)}"


def _models(kind: Any, location: SettingPath) -> list[type[ConfigModel]]:
    """The groups of settings that may stand at a location of Pydantic's, tags included."""

    def members(annotation: Any) -> list[type[ConfigModel]]:
        if isinstance(annotation, type):
            return [annotation] if issubclass(annotation, ConfigModel) else []
        return [member for inner in getattr(annotation, "__args__", ()) for member in members(inner)]

    found = members(kind)
    for part in location:
        tagged = [m for m in found if "type" in m.model_fields and m.model_fields["type"].default == part]
        found = tagged or [
            n for m in found if part in m.model_fields for n in members(m.model_fields[str(part)].annotation)
        ]
    return found
