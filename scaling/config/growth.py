"""A study with other networks or seeds than its file says, written as a file again."""

from __future__ import annotations

from collections.abc import Iterable
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from scaling.config.study import Cell


def entries(cells: Iterable[Cell]) -> list[dict[str, Any]]:
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
