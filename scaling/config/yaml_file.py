"""Reading and writing of a study's YAML file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.representer import SafeRepresenter

from scaling.config.grid import SettingPath
from scaling.config.overrides import apply_overrides
from scaling.config.study import Cell, StudyFile
from scaling.config.study_source import StudySettings, StudySource
from scaling.config.yaml_reader import MAX_BYTES, parse_yaml, read_document
from scaling.errors import ConfigError
from scaling.files import NO_SUCH_FILE, file_problem

_PLAIN_TEXT = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null)\Z)[a-z][a-z0-9_.-]*", re.IGNORECASE)
"""Text that readers of YAML 1.1 and 1.2 take for text without quotation marks. All other text is quoted."""


_EXAMPLES = Path("configs")
"""Folder of the studies that come with a checkout."""
_SIMILAR = 0.75
"""Least similarity of the name of a file that was probably meant."""
_FILE_HINT = "give the path of a study's YAML file; scaling init writes one"


def read_settings(source: StudySource, overrides: Sequence[str]) -> dict[str, Any]:
    """Read the keys of a study and apply overrides.

    Args:
        source: the YAML file, or the settings.
        overrides: changed settings as ``path=value``, such as ``recipe.epochs=5``; the value is YAML.

    Raises:
        ConfigError: the file is missing or is not YAML, a key appears twice, a setting is no value that YAML
            can hold, or an override has no place in the study or replaces another one.
    """
    raw = source.to_dict() if isinstance(source, StudySettings) else _read_file(source)
    apply_overrides(overrides, raw, source=source)
    return raw


def _read_file(source: Path) -> dict[str, Any]:
    """Read the keys of a YAML file, without overrides."""
    try:
        content = _read(source)
    except FileNotFoundError:
        similar = _similar_file(source)
        hint = f"did you mean {similar}?" if similar else _FILE_HINT
        raise ConfigError([f"no such file; {hint}"], str(source)) from None
    except (OSError, ValueError) as error:
        raise ConfigError([f"cannot be read: {error}"], str(source)) from None
    raw = parse_yaml(content, str(source))
    if raw is None:
        raise ConfigError([f"is empty; {_FILE_HINT}"], str(source))
    if not isinstance(raw, dict):
        keys = ", ".join(StudyFile.model_fields)
        is_yaml = source.suffix in (".yaml", ".yml")
        hint = "" if is_yaml else "; tables are read by scaling fit and scaling optimum"
        raise ConfigError([f"expected a mapping with the keys {keys}{hint}"], str(source))
    return raw


def find_line(source: StudySource, path: SettingPath) -> int | None:
    """Return the line of a setting in a study's file, from 1.

    Args:
        source: the YAML file, which ``read_settings`` could read, or settings, which have no lines.
        path: path of the setting.

    Returns:
        The line of the setting. If the file does not contain it, the line of the group that should contain
        it; None for the whole file.
    """
    if isinstance(source, StudySettings):
        return None
    node, line = read_document(_read(source)).node, None
    for part in path:
        if isinstance(node, MappingNode):
            inner = next((pair for pair in node.value if pair[0].value == part), None)
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
            inner = (node.value[part], node.value[part])
        else:
            inner = None
        if inner is None:
            break
        line, node = inner[0].start_mark.line + 1, inner[1]
    return line


def yaml_text(value: Any) -> str:
    """Return a value as YAML that ``read_settings`` reads back unchanged.

    Lists and mappings without inner lists and mappings are written on one line.
    """
    yaml, text = YAML(typ="safe", pure=True), StringIO()
    yaml.Representer = _QuotingRepresenter
    yaml.default_flow_style, yaml.width = None, 120
    yaml.representer.sort_base_mapping_type_on_output = False
    yaml.dump(value, text)
    return text.getvalue()


def architecture_entries(cells: Iterable[Cell]) -> list[dict[str, Any]]:
    """Return the section ``architectures`` of a study that consists of these cells.

    Cells that differ in their width only share an entry. Each entry gives its seeds and contains no other
    grid.
    """
    entries: list[dict[str, Any]] = []
    for cell in cells:
        entry = {**cell.entry, "filters": [cell.entry["filters"]], "seeds": cell.seeds}
        shared = next((other for other in entries if {**other, "filters": entry["filters"]} == entry), None)
        if shared is None:
            entries.append(entry)
        elif cell.entry["filters"] not in shared["filters"]:
            shared["filters"] += entry["filters"]
    return entries


class _QuotingRepresenter(SafeRepresenter):
    """Representer that quotes text and repeats shared values.

    Ruamel's own quotes less, and writes text such as ``?0`` so that no reader can read it.
    """

    def represent_str(self, data: str) -> ScalarNode:
        style = None if _PLAIN_TEXT.fullmatch(data) else '"'
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)

    def ignore_aliases(self, data: Any) -> bool:
        return True


_QuotingRepresenter.add_representer(str, _QuotingRepresenter.represent_str)


def _similar_file(source: Path) -> Path | None:
    """Return a YAML file that a missing file's name probably means: in its folder, or in ``configs``."""
    for folder in (source.parent, _EXAMPLES / source.parent):
        files = {file.stem: file for file in sorted(folder.glob("*.yaml"))}
        if close := get_close_matches(source.stem, files, n=1, cutoff=_SIMILAR):
            return files[close[0]]
    return None


def _read(source: Path) -> bytes:
    """Return the content of a file, or the beginning of a file that is too large."""
    if (problem := file_problem(source)) not in (None, NO_SUCH_FILE):
        raise ConfigError([f"{problem}; give a YAML file"], str(source))
    with source.open("rb") as file:
        return file.read(MAX_BYTES + 1)
