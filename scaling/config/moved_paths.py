"""Relative paths of a study that is written into another folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

_SUFFIX = ".py"


def move_paths(raw: dict[str, Any], *, old: Path, new: Path) -> None:
    """Rewrite the relative paths of a study's data and code, so that they name the same files from elsewhere.

    Args:
        raw: keys of the study, as ``read_settings`` returns them; they are changed.
        old: folder to which the paths are relative.
        new: folder of the file that is written.
    """
    if old.resolve() == new.resolve():
        return
    dataset, entries = raw.get("dataset"), raw.get("architectures")
    if isinstance(dataset, dict) and "path" in dataset:
        dataset["path"] = _each(dataset["path"], lambda path: _moved(path, old, new))
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and "module" in entry:
            entry["module"] = _each(entry["module"], lambda module: _moved_module(module, old, new))


def bring_code_beside(raw: dict[str, Any]) -> None:
    """Rewrite the paths of a study's code for files that lie beside the study.

    Args:
        raw: keys of the study, as ``read_settings`` returns them; they are changed.
    """
    entries = raw.get("architectures")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and "module" in entry:
            entry["module"] = _each(entry["module"], _name_of_code)


def _name_of_code(module: str) -> str:
    location, colon, name = module.rpartition(":")
    return f"{Path(location).name}{colon}{name}" if location.endswith(_SUFFIX) else module


def _each(value: Any, change: Callable[[str], str]) -> Any:
    """Return a setting with each text changed: one, or a list of them, which is an axis."""
    if isinstance(value, list):
        return [_each(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def _moved(path: str, old: Path, new: Path) -> str:
    """Return a path; one that is absolute, or that is found elsewhere than in the old folder, stays."""
    if path.startswith("~") or Path(path).is_absolute() or not (old / path).exists():
        return path
    return Path(os.path.relpath((old / path).resolve(), new.resolve())).as_posix()


def _moved_module(module: str, old: Path, new: Path) -> str:
    location, colon, name = module.rpartition(":")
    return f"{_moved(location, old, new)}{colon}{name}" if location.endswith(_SUFFIX) else module
