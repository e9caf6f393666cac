"""Settings of a study that no run uses, because every architecture has a value of its own.

A value in the file may be such a default, and is validated like any other. An override that reaches no run is
a mistake.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from reprlib import repr as short_repr
from typing import Any

from scaling.architectures import has_seeds, is_fitted, recipe_settings
from scaling.config.fitted_recipe import unused_settings
from scaling.config.grid import SettingPath, grid_values, locator
from scaling.config.pilots import is_auto
from scaling.config.problems import ConfigProblems
from scaling.config.recipe import Recipe
from scaling.config.recipe_merge import is_overridden
from scaling.config.sections import Sections, entry_types

_MAX_LISTED = 3

_WINS, _FITTED, _SEEDLESS = "set what wins", "fitted without it", "without random numbers"
_OWN = "with its own"
_ALL_LABELS = "all labels are used without"


@dataclass(frozen=True)
class _Unused:
    """Why the runs of an architecture do not use a setting."""

    reason: str
    """Text that precedes the subjects of this reason."""
    subject: str
    """Setting that wins, with its value, or the type of the architecture."""


def check_overrides(paths: Iterable[SettingPath], sections: Sections, problems: ConfigProblems) -> None:
    """Check that each changed setting reaches a run; the message says which settings win.

    Args:
        paths: paths of the changed settings.
        sections: the study's file, with the changes.
        problems: collects what is wrong.
    """
    for path in paths:
        unused = _unused_by(path, sections)
        if not unused or None in unused:
            continue
        subjects: dict[str, list[str]] = {}
        for entry in dict.fromkeys(filter(None, unused)):
            subjects.setdefault(entry.reason, []).append(entry.subject)
        listed = "; ".join(f"{reason}: {_listed(names)}" for reason, names in subjects.items())
        problems.add(path, f"no run uses it; {listed}")


def _listed(names: list[str]) -> str:
    more = [f"{len(names) - _MAX_LISTED} more"] if len(names) > _MAX_LISTED else []
    return ", ".join([*names[:_MAX_LISTED], *more])


def validate_unused(sections: Sections, problems: ConfigProblems) -> None:
    """Validate the values of the study's recipe that no architecture takes.

    Args:
        sections: the study's file.
        problems: collects what is wrong.
    """
    unused = {}
    for name, value in sections.recipe.items():
        inner = [(name, key) for key in value] if isinstance(value, dict) and value else [(name,)]
        if any(None not in _unused_by(("recipe", *path), sections) for path in inner):
            unused[name] = _with_own_settings(name, value, sections)
    if is_auto(unused):
        del unused["learning_rate"]
    for point in grid_values(unused):
        problems.validate(Recipe, point.settings, locator(("recipe",), point))


def _with_own_settings(name: str, value: Any, sections: Sections) -> Any:
    """Return a group of the study's recipe with the settings that only an architecture's own recipe gives."""
    own_groups = (_own_recipe(i, sections).get(name) for i in sections.architectures)
    own = next((group for group in own_groups if isinstance(group, dict) and "type" not in group), {})
    return {**own, **value} if isinstance(value, dict) else value


def _unused_by(path: SettingPath, sections: Sections) -> list[_Unused | None]:
    """Return for each architecture why its runs do not use a setting; None if they do."""
    match path:
        case ("recipe", *setting) if setting:
            names = tuple(map(str, setting))
            return [_unused_recipe(i, names, sections) for i in sections.architectures]
        case ("seeds",):
            return [_unused_seeds(i, sections) for i in sections.architectures]
        case ("dataset", "labels_draw") if sections.dataset and not sections.dataset.get("labels"):
            return [_Unused(_ALL_LABELS, "dataset.labels")]
        case ("pilots", "validation") if sections.dataset:
            given = sections.dataset.get("validation", 0)
            values = given if isinstance(given, list) else [given]
            return [_Unused(_WINS, f"dataset.validation={value}") if value else None for value in values]
    return [None]


def _unused_recipe(i: int, path: tuple[str, ...], sections: Sections) -> _Unused | None:
    types = entry_types(sections.architectures[i])  # none for an empty grid, which is a problem of its own
    if types and all(
        (used := recipe_settings(kind)) is not None and unused_settings({path[0]: None}, used)
        for kind in types
    ):
        return _Unused(_FITTED if is_fitted(types[0]) else _OWN, types[0])
    base, own = sections.recipe, _own_recipe(i, sections)
    if not is_overridden(path, base=base, override=own):
        return None
    name, *inner = path
    value = own[name]
    if inner and isinstance(value, dict) and inner[0] in value:
        name, value = f"{name}.{inner[0]}", value[inner[0]]
    return _Unused(_WINS, f"architectures[{i}].recipe.{name}={short_repr(value)}")


def _unused_seeds(i: int, sections: Sections) -> _Unused | None:
    types = entry_types(sections.architectures[i])
    if types and not any(map(has_seeds, types)):
        return _Unused(_SEEDLESS, types[0])
    return _Unused(_WINS, f"architectures[{i}].seeds={sections.seeds[i]!r}") if i in sections.seeds else None


def _own_recipe(i: int, sections: Sections) -> dict[str, Any]:
    own = sections.architectures[i].get("recipe", {})
    return own if isinstance(own, dict) else {}
