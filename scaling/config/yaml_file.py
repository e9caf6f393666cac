"""A study's YAML file as it is written, and what the command line lays over it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from scaling.config.study import Cell, StudyFile
from scaling.errors import ConfigError


def read_file(source: Path, overrides: Sequence[str]) -> dict[str, Any]:
    """The keys of a file, with overrides such as ``recipe.epochs=5`` laid over them; the value is YAML.

    Raises:
        ConfigError: no such file, not YAML, a key twice, or an override of no place in it.
    """
    try:
        raw = _parsed(source, str(source))
    except FileNotFoundError:
        raise ConfigError(
            ["no such file; give the path of a study's YAML file, such as configs/quickstart.yaml"],
            str(source),
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigError([f"can't be read: {error}"], str(source)) from None
    if not isinstance(raw, dict):
        raise ConfigError(
            ["must be a mapping with the keys " + ", ".join(StudyFile.model_fields)], str(source)
        )
    for override in overrides:
        _override(raw, override, source)
    return raw


def architecture_entries(cells: Iterable[Cell]) -> list[dict[str, Any]]:
    """The ``architectures`` of a study that has these cells and no others.

    Cells that differ in nothing but their width share an entry; each entry says its seeds, and is free of every other grid.
    """
    made: list[dict[str, Any]] = []
    for cell in cells:
        entry = {**cell.entry, "filters": [cell.entry["filters"]], "seeds": cell.seeds}
        alike = next((other for other in made if {**other, "filters": entry["filters"]} == entry), None)
        if alike is None:
            made.append(entry)
        elif cell.entry["filters"] not in alike["filters"]:
            alike["filters"] += entry["filters"]
    return made


def yaml_text(value: Any) -> str:
    """As YAML that this software reads again; lists and mappings that hold none stand on one line."""
    yaml, text = YAML(typ="safe", pure=True), StringIO()
    yaml.default_flow_style, yaml.width = None, 120
    yaml.representer.sort_base_mapping_type_on_output = False
    yaml.representer.ignore_aliases = lambda data: True  # what two entries share is written twice, for people
    yaml.dump(value, text)
    return text.getvalue()


def _parsed(text: Path | str, source: str) -> Any:
    # Of YAML's readers this one takes 1e-3 for a number and refuses a key that stands twice.
    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        problem = line + (error.problem or "is not YAML").splitlines()[0].replace(" with value", ", value")
    except YAMLError as error:
        problem = f"is not YAML: {str(error).splitlines()[0]}"
    raise ConfigError([problem], source)


def _override(raw: dict[str, Any], override: str, source: Path) -> None:
    here = f"--set {override}"
    path, equals, text = override.partition("=")
    parts = path.replace("]", "").replace("[", ".").split(".")
    if not equals or not all(parts):
        raise ConfigError(["must be path=value, such as recipe.epochs=5"], here)
    value = _parsed(text, here)
    inner: Any = raw
    try:
        for part in parts[:-1]:
            inner = inner[_index(part)] if isinstance(inner, list) else inner.setdefault(part, {})
        inner[_index(parts[-1]) if isinstance(inner, list) else parts[-1]] = value
    except (TypeError, AttributeError, ValueError, IndexError):
        raise ConfigError([f"no such place in {source}"], here) from None


def _index(part: str) -> int:
    """Of a list, counted from 0; Python would count from the end too."""
    if not part.isdecimal():
        raise ValueError(part)
    return int(part)
