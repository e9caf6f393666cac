"""Reference of the keys of a study's file as Markdown, from the JSON Schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scaling.config.schema import Schema, study_schema
from scaling.config.yaml_file import yaml_text

_INTRODUCTION = """\
# Configuration reference

All keys of a study's file. `scaling schema --markdown` prints this page, and `scaling schema` prints the
[JSON Schema](study.schema.json) with the same content. Editors with a YAML language server complete and check
a file whose first line names the schema:

    # yaml-language-server: $schema=study.schema.json

`scaling init` writes such a file, with comments, and the schema beside it.

- Any setting of `dataset`, `architectures` and `recipe` may be a list, which is an axis of the grid. A
  setting that is a list itself, such as `hidden`, then needs a list of lists. A group such as `optimizer` may
  contain lists, or be a list of groups.
- A key that is left out has its default. `none` stands for a setting that is not given.
- `--set recipe.epochs=5` changes a setting for one command, by its dotted path.
"""
_MAX_DEFAULT = 60
"""Largest number of characters of a default; a longer one is left to the reference of its group."""


def reference_page() -> str:
    """Return the page, which ends in a newline."""
    schema = study_schema()
    return "\n".join([_INTRODUCTION, *_sections(schema, schema["$defs"])]).rstrip() + "\n"


def _sections(schema: Schema, definitions: dict[str, Schema]) -> Iterator[str]:
    yield from _section("## Study", schema, definitions)
    for name, title in (("dataset", "Data sets"), ("architectures", "Architectures")):
        union = schema["properties"][name]
        yield from _union_sections(f"## {title}: `{name}`", union.get("items", union), definitions)
    recipe = definitions["Recipe"]
    yield from _section("## Recipe: `recipe`", recipe, definitions)
    for name, group in recipe["properties"].items():
        yield from _group_sections(f"recipe.{name}", group, definitions)
    for name in ("pilots", "pruning", "resources", "store"):
        group = _resolve(schema["properties"][name], definitions)
        yield from _section(f"## `{name}`", group, definitions)


def _union_sections(title: str, union: Schema, definitions: dict[str, Schema]) -> Iterator[str]:
    """Yield the keys that all kinds have, and a section for each kind with its own keys."""
    kinds = _kinds(union, definitions)
    first = next(iter(kinds.values()))
    shared = {
        key: setting
        for key, setting in first["properties"].items()
        if key != "type" and all(key in kind["properties"] for kind in kinds.values())
    }
    yield f"{title}\n"
    yield f"`type` is one of {', '.join(f'`{name}`' for name in kinds)}. Keys of every type:\n"
    yield from _table(shared, required=_required(first), definitions=definitions)
    for name, kind in kinds.items():
        own = {
            key: setting
            for key, setting in kind["properties"].items()
            if key != "type" and setting != shared.get(key)
        }
        yield f"### `{name}`\n"
        yield f"{kind['description']}\n"
        if own:
            yield from _table(own, required=_required(kind), definitions=definitions)


def _group_sections(path: str, group: Schema, definitions: dict[str, Schema]) -> Iterator[str]:
    inner = group.get("else", {})
    if "allOf" in inner:
        yield f"### `{path}`\n"
        for name, kind in _kinds(inner, definitions).items():
            settings = {key: setting for key, setting in kind["properties"].items() if key != "type"}
            yield f"`type: {name}`: {kind['description']}\n"
            if settings:
                complete = definitions[kind["name"].removesuffix("Default") + "Value"]
                yield from _table(settings, required=_required(complete), definitions=definitions)
    elif "$ref" in inner:
        model = _resolve(inner, definitions)
        yield from _section(f"### `{path}`", model, definitions)
        for name, setting in model["properties"].items():
            yield from _group_sections(f"{path}.{name}", setting, definitions)


def _section(title: str, model: Schema, definitions: dict[str, Schema]) -> Iterator[str]:
    yield f"{title}\n"
    yield f"{model['description']}\n"
    yield from _table(model["properties"], required=_required(model), definitions=definitions)


def _table(
    settings: dict[str, Schema], *, required: list[str], definitions: dict[str, Schema]
) -> Iterator[str]:
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    for name, setting in settings.items():
        default = "required" if name in required else _default(setting)
        value = _value(setting.get("else", setting), definitions)
        meaning = setting["description"].replace("|", "\\|")
        yield f"| `{name}` | {value} | {default} | {meaning} |"
    yield ""


def _default(setting: Schema) -> str:
    if "default" not in setting:
        return "that of the study"
    value = setting["default"]
    if value is None:
        return "none"
    if value == {}:
        return "see below"
    if isinstance(value, dict):
        value = {"type": value["type"]} if "type" in value else {}
    text = yaml_text(value).removesuffix("...\n").strip()
    if isinstance(value, bool | int | float):
        text = f"{value:g}" if isinstance(value, float) else str(value).lower()
    return f"`{text}`" if len(text) <= _MAX_DEFAULT else "see below"


def _value(schema: Schema, definitions: dict[str, Schema]) -> str:
    """Return the permitted values of a setting as text."""
    if "anyOf" in schema:
        return " or ".join(_value(alternative, definitions) for alternative in schema["anyOf"])
    if "const" in schema:
        return f"`{_plain(schema['const'])}`"
    if "enum" in schema:
        return ", ".join(f"`{_plain(value)}`" for value in schema["enum"])
    if "then" in schema:
        return _value(schema["then"], definitions)
    if "allOf" in schema:
        return "mapping with `type`"
    if "$ref" in schema:
        return "mapping"
    kinds = schema.get("type", "mapping")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    match kind:
        case "array" if "prefixItems" in schema:
            return f"list of {len(schema['prefixItems'])}: {_value(schema['prefixItems'][0], definitions)}"
        case "array":
            return f"list of: {_value(schema['items'], definitions)}"
        case "boolean":
            return "`true`, `false`"
        case "string":
            return "text"
        case "object":
            return "mapping"
    return f"{kind}{_bounds(schema)}"


def _bounds(schema: Schema) -> str:
    """Return the limits of a number; the limit of exact integers goes without saying."""
    if schema.get("minimum") == schema.get("maximum", "none"):
        return f" {schema['minimum']}"
    limits = (("minimum", ">="), ("exclusiveMinimum", ">"), ("maximum", "<="), ("exclusiveMaximum", "<"))
    texts = [f"{sign} {schema[name]:,g}" for name, sign in limits if name in schema and schema[name] < 2**53]
    return f" {', '.join(texts)}" if texts else ""


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else str(value).lower()


def _kinds(union: Schema, definitions: dict[str, Schema]) -> dict[str, Schema]:
    """Return the models of a union by their type, each with the name of its definition."""
    names = union["properties"]["type"].get("else", union["properties"]["type"])["enum"]
    return {
        name: _resolve(branch["then"], definitions) | {"name": branch["then"]["$ref"].rpartition("/")[2]}
        for name, branch in zip(names, union["allOf"], strict=True)
    }


def _resolve(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    reference = schema.get("$ref") or schema.get("then", {}).get("$ref")
    return definitions[reference.rpartition("/")[2]]


def _required(model: Schema) -> list[str]:
    """Return the required settings, also those that a condition requires."""
    return [*model.get("required", []), *model.get("then", {}).get("required", [])]
