"""From a YAML file to a study, with every fault named by its path."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from scaling.architectures import AnyArchitecture
from scaling.config import grid
from scaling.config.recipe import Recipe
from scaling.config.study import Cell, Study, StudyFile
from scaling.datasets import AnyDataset, Facts
from scaling.errors import ConfigError

WORDS = {
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "string_type": "must be text",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping of keys to values",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be above {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be below {lt}",
    "literal_error": "must be {expected}",
    "union_tag_invalid": "must be one of {expected_tags}",
    "too_short": "must hold at least {min_length}",
    "string_pattern_mismatch": "may hold letters, digits, '.', '_' and '-' only",
    "finite_number": "must be finite",
}


def load_study(source: Path, *, data: Path, overrides: Sequence[str] = ()) -> Study:
    """Read a study.

    Args:
        source: the YAML file.
        data: the data folder, where a user's own data set may lie.
        overrides: ``path=value`` lines laid over the file, such as ``recipe.epochs=5``; the value is YAML.

    Raises:
        ConfigError: with all faults that were found, each by its path.
        DataError: the user's own data set is missing or unfit.
    """
    raw = _parse(source)
    for override in overrides:
        _override(raw, override, str(source))
    faults: dict[str, None] = {}

    def validate(kind: Any, leaves: Any, root: grid.Path, point: grid.Point | None = None) -> Any:
        try:
            return TypeAdapter(kind).validate_python(leaves)
        except ValidationError as error:
            for fault in error.errors():
                path = _located(fault, leaves)
                place = root + (point.place(path) if point else path)
                faults[f"{grid.dotted(place)}: {_words(fault, kind)}"] = None
            return None

    file = validate(StudyFile, raw, ())
    if file is None:
        raise ConfigError(list(faults), str(source))
    parts: list[tuple[grid.Path, dict[str, Any]]] = [(("dataset",), file.dataset), (("recipe",), file.recipe)]
    parts += [(("architectures", i), entry) for i, entry in enumerate(file.architectures)]
    for root, leaves in parts:
        for path, fault in grid.faults(leaves):
            faults[f"{grid.dotted(root + path)}: {fault}"] = None
    if faults:
        raise ConfigError(list(faults), str(source))

    datasets = [(p, validate(AnyDataset, p.leaves, ("dataset",), p)) for p in grid.points(file.dataset)]
    known: list[tuple[grid.Point, Any, Facts]] = []
    for point, dataset in datasets:
        if dataset is not None:
            facts = dataset.facts(data)
            if fault := dataset.fault(facts):
                faults[f"{grid.dotted(('dataset', *point.place((fault[0],))))}: {fault[1]}"] = None
            known.append((point, dataset, facts))

    cells = []
    for i, entry in enumerate(file.architectures):
        root = ("architectures", i)
        own = entry.get("recipe", {})
        if not isinstance(own, dict):
            faults[f"{grid.dotted(root)}.recipe: must be a mapping of keys to values, not {own!r}"] = None
            continue
        recipes = [(p, validate(Recipe, p.leaves, ("recipe",), p)) for p in grid.points(_laid_over(file.recipe, own))]
        bare = {name: value for name, value in entry.items() if name != "recipe"}
        for point in grid.points(bare):
            architecture = validate(AnyArchitecture, point.leaves, root, point)
            if architecture is None:
                continue
            places = {name: grid.dotted(root + point.place((name,))) for name in type(architecture).model_fields}
            for where, dataset, facts in known:
                if fault := architecture.fault(facts.image):
                    faults[f"{places[fault[0]]}: {fault[1]}"] = None
                    continue
                used = dataset.used(facts)
                for at, recipe in recipes:
                    if recipe is None:
                        continue
                    if recipe.batch_size > used:
                        place = grid.dotted(("recipe", *at.place(("batch_size",))))
                        faults[f"{place}: must be at most the {used} training images, not {recipe.batch_size}"] = None
                    cells.append(Cell(dataset, facts, architecture, recipe, {**places, "train_images": str(where.place(("train_images",)))}))
    if faults:
        raise ConfigError(list(faults), str(source))
    return Study(file.study, source, tuple(cells), file.seeds, file.resources, file.store)


def _parse(source: Path) -> dict[str, Any]:
    try:
        raw = YAML(typ="safe", pure=True).load(source)
    except FileNotFoundError:
        raise ConfigError(["no such file; give the path of a study's YAML file, such as configs/quickstart.yaml"], str(source)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError([f"can't be read: {error}"], str(source)) from None
    except MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ConfigError([line + (error.problem or "is not YAML").splitlines()[0].replace(" with value", ", value")], str(source)) from None
    except YAMLError as error:
        raise ConfigError([f"is not YAML: {str(error).splitlines()[0]}"], str(source)) from None
    if not isinstance(raw, dict):
        raise ConfigError(["must be a mapping with the keys " + ", ".join(StudyFile.model_fields)], str(source))
    return raw


def _override(raw: dict[str, Any], override: str, source: str) -> None:
    path, equals, text = override.partition("=")
    parts = path.replace("]", "").replace("[", ".").split(".")
    if not equals or not all(parts):
        raise ConfigError([f"{override!r}: must be path=value, such as recipe.epochs=5"], "--set")
    inner: Any = raw
    try:
        for part in parts[:-1]:
            inner = inner[int(part)] if isinstance(inner, list) else inner.setdefault(part, {})
        inner[int(parts[-1]) if isinstance(inner, list) else parts[-1]] = YAML(typ="safe", pure=True).load(text)
    except (TypeError, AttributeError, ValueError, IndexError, KeyError):
        raise ConfigError([f"{path}: no such place in {source}"], "--set") from None
    except YAMLError:
        raise ConfigError([f"{path}: {text!r} is not YAML"], "--set") from None


def _laid_over(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """A group that names its type replaces the one below; any other is merged with it."""
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        merged[name] = {**old, **value} if isinstance(old, dict) and isinstance(value, dict) and "type" not in value else value
    return merged


def _located(fault: Any, leaves: Any) -> grid.Path:
    """Pydantic's location without the tags of unions, which no file holds."""
    path: list[str | int] = []
    inner = leaves
    for i, part in enumerate(fault["loc"]):
        if isinstance(inner, dict) and part in inner or isinstance(inner, list | tuple) and isinstance(part, int):
            inner = inner[part]
        elif not (i == len(fault["loc"]) - 1 and fault["type"] == "missing"):
            continue
        path.append(part)
    if fault["type"] in ("union_tag_invalid", "union_tag_not_found"):
        path.append("type")
    return tuple(path)


def _words(fault: Any, kind: Any) -> str:
    given, context = fault["input"], fault.get("ctx", {})
    name = fault["loc"][-1] if fault["loc"] else ""
    if fault["type"] == "extra_forbidden":
        permitted = _fields(kind, fault["loc"][:-1])
        close = get_close_matches(str(name), permitted, n=1)
        return "unknown key; " + (f"did you mean {close[0]}? " if close else "") + "permitted: " + ", ".join(permitted)
    if fault["type"] == "missing":
        return "is missing"
    if fault["type"] == "union_tag_not_found":
        return "is missing"
    if fault["type"] == "value_error":
        return str(context["error"])
    text = WORDS.get(fault["type"], fault["msg"]).format(**context)
    if fault["type"] == "union_tag_invalid":
        given = context["tag"]
    return f"{text}, not {given!r}"


def _fields(kind: Any, location: tuple[str | int, ...]) -> list[str]:
    """The keys permitted at a location of Pydantic's, tags included."""
    from scaling.leaves import Leaves

    def members(annotation: Any) -> list[type[BaseModel]]:
        if isinstance(annotation, type):
            return [annotation] if issubclass(annotation, Leaves) else []
        return [member for inner in getattr(annotation, "__args__", ()) for member in members(inner)]

    found = members(kind)
    for part in location:
        tagged = [m for m in found if "type" in m.model_fields and m.model_fields["type"].default == part]
        found = tagged or [n for m in found if part in m.model_fields for n in members(m.model_fields[str(part)].annotation)]
    return sorted({name for m in found for name in m.model_fields})
