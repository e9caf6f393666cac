"""JSON Schema (draft 2020-12) of a study's file, from the configuration models and their docstrings.

The schema accepts everything that the loader accepts. The loader refuses more: what depends on the images, on
several settings at once, or on the difference between 8 and 8.0, which JSON Schema does not have.

A setting of a data set, an architecture or a recipe may be a list, which is an axis of the grid. Such a
setting has the schema of its value under ``else``, and that of the list under ``then``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

from scaling.architectures import COST_SETTINGS, Architecture, registered
from scaling.config.model_members import model_members
from scaling.config.pilots import AUTO
from scaling.config.recipe import Recipe
from scaling.config.setting_docs import model_doc, setting_docs
from scaling.config.study import StudyFile
from scaling.datasets import AnyDataset
from scaling.settings import ConfigModel

Schema = dict[str, Any]

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ENTRY_RECIPE_DOC = "Recipe of this entry alone. It is merged over the study's recipe, setting by setting."
_ENTRY_SEEDS_DOC = "Number of seeds of each network of this entry: seeds 0 to n-1; by default the study's."
_TYPE_DOC = "Name of the kind, which decides which other keys there are."


def study_schema() -> Schema:
    """Return the JSON Schema of a study's file."""
    return _SchemaBuilder().study()


class _SchemaBuilder:
    """Builder of the schema, which collects one definition for each model."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}

    def study(self) -> Schema:
        sections: dict[str, Schema] = {
            "dataset": self._union(model_members(AnyDataset), is_grid=True),
            "architectures": {
                "type": "array",
                "minItems": 1,
                "items": self._union(registered(), is_grid=True),
            },
            "recipe": self._recipe("Recipe"),
        }
        docs = setting_docs(StudyFile)
        properties = {
            name: {"description": docs[name], **_default(field)}
            | (sections.get(name) or self._value(field, is_grid=False))
            for name, field in StudyFile.model_fields.items()
        }
        return {
            "$schema": _DIALECT,
            "title": "Study",
            "description": "A scaling study: its data set, its networks, and how they are trained.",
            "type": "object",
            "properties": properties,
            "required": [name for name, field in StudyFile.model_fields.items() if field.is_required()],
            "additionalProperties": False,
            "if": {"properties": {"architectures": {"items": {"not": {"required": ["recipe"]}}}}},
            "then": {"properties": {"recipe": _complete_groups()}},
            "$defs": dict(sorted(self.definitions.items())),
        }

    def _recipe(self, name: str, *, names: Sequence[str] = tuple(Recipe.model_fields)) -> Schema:
        """Return a recipe of which any part may be left out.

        Args:
            name: name of the definition.
            names: settings that the recipe may have.
        """
        docs = setting_docs(Recipe)
        properties: dict[str, Schema] = {}
        for setting in names:
            field = Recipe.model_fields[setting]
            described = {"description": docs[setting], **_default(field)}
            if len(members := model_members(field.annotation)) > 1:
                is_own = name != "Recipe"
                properties[setting] = described | self._grid_of_groups(
                    self._union(members, is_grid=True, has_defaults=is_own, is_complete=is_own),
                    self._union(members, is_grid=False),
                )
            else:
                properties[setting] = described | self._setting(field, is_grid=True)
        if "learning_rate" in properties:
            rate = properties["learning_rate"]
            rate["else"] = {"anyOf": [{"const": AUTO}, rate["else"]]}
            rate["description"] += f" With {AUTO}, pilot runs choose it on validation images."
        self.definitions[name] = {
            "description": model_doc(Recipe),
            "type": "object",
            "properties": properties,
            "additionalProperties": False,
        }
        return _reference(name)

    def _union(
        self,
        members: Sequence[type[ConfigModel]],
        *,
        is_grid: bool,
        has_defaults: bool = False,
        is_complete: bool = True,
    ) -> Schema:
        """Return a mapping whose ``type`` chooses its model.

        Args:
            members: the models.
            is_grid: True if settings may be lists of values.
            has_defaults: True if the mapping may lack its type, because it is merged over another one.
            is_complete: False if the mapping may lack required settings, because others are merged over it.
        """
        names = {str(model.model_fields["type"].default): model for model in members}
        kinds = "; ".join(f"{name}: {model_doc(model).rstrip('.')}" for name, model in names.items())
        kind: Schema = {"enum": list(names)}
        schema: Schema = {
            "type": "object",
            "properties": {
                "type": {"description": f"{_TYPE_DOC} {kinds}."} | (_grid(kind) if is_grid else kind)
            },
            "allOf": [
                {"if": _has_type(name), "then": self._model(model, is_grid=is_grid, is_complete=is_complete)}
                for name, model in names.items()
            ],
        }
        if not has_defaults:
            return schema | {"required": ["type"]}
        without_type = {
            "properties": self._merged_properties(members),
            "additionalProperties": False,
        }
        return schema | {"if": {"not": {"required": ["type"]}}, "then": without_type}

    def _merged_properties(self, members: Sequence[type[ConfigModel]]) -> dict[str, Schema]:
        """Return the settings of several models, each of which accepts what one of the models accepts."""
        properties: dict[str, list[Schema]] = {}
        for model in members:
            for name, schema in self._properties(model, is_grid=True).items():
                if schema not in properties.setdefault(name, []):
                    properties[name].append(schema)
        return {
            name: schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
            for name, schemas in properties.items()
        }

    def _model(self, model: type[ConfigModel], *, is_grid: bool, is_complete: bool = True) -> Schema:
        """Add the definition of a model, and return the reference to it."""
        required = [name for name, field in model.model_fields.items() if field.is_required()]
        if issubclass(model, Architecture):
            required = [*required, *model.required_settings]
        suffix = "" if is_grid else "Value"
        if required and not is_complete:
            required, suffix = [], "Default"
        name = f"{model.__name__}{suffix}"
        if name in self.definitions:
            return _reference(name)
        self.definitions[name] = {}  # a model may contain itself
        schema: Schema = {
            "description": model_doc(model),
            "type": "object",
            "properties": self._properties(model, is_grid=is_grid),
            "additionalProperties": model.model_config.get("extra") != "forbid",
        }
        if issubclass(model, Architecture):
            schema["properties"] |= self._entry_properties(model)
            schema |= _required_unless_cost(required)
        elif required:
            schema["required"] = required
        self.definitions[name] = schema
        return _reference(name)

    def _properties(self, model: type[ConfigModel], *, is_grid: bool) -> dict[str, Schema]:
        docs = setting_docs(model)
        properties: dict[str, Schema] = {}
        for name, field in model.model_fields.items():
            if name != "type":
                described = {"description": docs[name], **_default(field)}
                properties[name] = described | self._setting(field, is_grid=is_grid)
            else:  # the union that the model belongs to checks it
                properties[name] = {} if is_grid else {"const": field.default}
        return properties

    def _entry_properties(self, model: type[Architecture]) -> dict[str, Schema]:
        """Return the keys that an entry of ``architectures`` has beside the architecture's settings."""
        seeds = _leaf(StudyFile.model_fields["seeds"])
        if not model.has_seeds:
            seeds["maximum"] = 1
        used = model.recipe_settings
        recipe = (
            self._recipe("EntryRecipe")
            if used is None
            else self._recipe(f"{model.__name__}Recipe", names=[n for n in Recipe.model_fields if n in used])
        )
        return {
            "seeds": {"description": _ENTRY_SEEDS_DOC} | seeds,
            "recipe": {"description": _ENTRY_RECIPE_DOC} | recipe,
        }

    def _setting(self, field: FieldInfo, *, is_grid: bool) -> Schema:
        """Return the schema of a setting, which may be a list of values in a grid."""
        value = self._value(field, is_grid=False)
        if not is_grid:
            return value
        if model_members(field.annotation):
            return self._grid_of_groups(self._value(field, is_grid=True), value)
        return _grid(value)

    def _value(self, field: FieldInfo, *, is_grid: bool) -> Schema:
        """Return the schema of one value of a setting."""
        members = model_members(field.annotation)
        if not members:
            return _leaf(field)
        schema = (
            self._union(members, is_grid=is_grid)
            if "type" in members[0].model_fields
            else self._model(members[0], is_grid=is_grid)
        )
        is_optional = type(None) in getattr(field.annotation, "__args__", ())
        return {"if": {"not": {"type": "null"}}, "then": schema} if is_optional else schema

    @staticmethod
    def _grid_of_groups(group: Schema, value: Schema) -> Schema:
        """Return a mapping that may contain grids, or a list of mappings that contain none."""
        return {"if": {"type": "array"}, "then": _list_of(value), "else": group}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _default(field: FieldInfo) -> Schema:
    """Return the default of a setting, or nothing for a required setting."""
    if field.is_required():
        return {}
    default = field.get_default(call_default_factory=True)
    if isinstance(default, ConfigModel):
        default = default.model_dump(mode="json")
    return {"default": list(default) if isinstance(default, tuple) else default}


def _leaf(field: FieldInfo) -> Schema:
    """Return the schema of a setting that contains no model."""
    schema = TypeAdapter(field.rebuild_annotation()).json_schema()
    extra = field.json_schema_extra
    alternatives = schema.get("anyOf", [])
    if len(alternatives) == 2 and alternatives[1] == {"type": "null"}:
        schema = alternatives[0] | {"type": [alternatives[0]["type"], "null"]}
    return schema | (extra if isinstance(extra, dict) else {})


def _grid(value: Schema) -> Schema:
    """Return the schema of a value or of a list of values. A list of a setting of lists contains lists."""
    is_list = "array" in (kind if isinstance(kind := value.get("type"), list) else [kind])
    condition: Schema = {"type": "array"}
    if is_list:
        condition["contains"] = {"type": "array"}
    return {"if": condition, "then": _list_of(value), "else": value}


def _list_of(value: Schema) -> Schema:
    return {"minItems": 1, "uniqueItems": True, "items": value}


def _has_type(name: str) -> Schema:
    """Return the condition that ``type`` has a value, or that the value is one of its grid."""
    value = {"const": name}
    return {
        "properties": {"type": {"anyOf": [value, {"type": "array", "contains": value}]}},
        "required": ["type"],
    }


def _required_unless_cost(required: Sequence[str]) -> Schema:
    """Return the requirement of settings, of which ``filters`` follows from a cost that is given."""
    others = [name for name in required if name != "filters"]
    schema: Schema = {"required": others} if others else {}
    if "filters" not in required:
        return schema
    costs = [{"properties": {name: {"not": {"type": "null"}}}, "required": [name]} for name in COST_SETTINGS]
    return schema | {"if": {"not": {"anyOf": costs}}, "then": {"required": ["filters"]}}


def _complete_groups() -> Schema:
    """Return the required settings of a recipe's groups, for a study in which no other recipe has them."""
    groups: dict[str, Schema] = {}
    for name, field in Recipe.model_fields.items():
        conditions = []
        for model in model_members(field.annotation):
            required = [inner for inner, setting in model.model_fields.items() if setting.is_required()]
            if required:
                kind = str(model.model_fields["type"].default)
                conditions.append(
                    {"if": {"type": "object", **_has_type(kind)}, "then": {"required": required}}
                )
        if conditions:
            groups[name] = {"allOf": conditions}
    return {"properties": groups}
