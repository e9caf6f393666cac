"""Sections of a study's file that are mappings, before their settings are validated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from scaling.architectures import is_fitted
from scaling.config.grid import SettingPath, locator
from scaling.config.pilots import is_auto
from scaling.config.problems import ConfigProblems
from scaling.config.recipe_merge import merge
from scaling.settings import PositiveInt

_Seeds = Annotated[PositiveInt, Field(strict=True)]


@dataclass(frozen=True, kw_only=True)
class Sections:
    """Sections of a file that are mappings, even if other sections are invalid.

    They can be checked although the whole file cannot, so all problems are reported at once.
    """

    dataset: dict[str, Any] | None
    """None if the file has no valid section."""
    recipe: dict[str, Any]
    pilots: dict[str, Any]
    architectures: dict[int, dict[str, Any]]
    """Entries by their position in the list, without their seeds, which cannot be a grid."""
    seeds: dict[int, Any]
    """Seeds of the entries that give their own."""

    @classmethod
    def from_raw(cls, raw: dict[str, Any]) -> Sections:
        listed = raw.get("architectures")
        entries = {i: _mapping(value) for i, value in enumerate(listed if isinstance(listed, list) else [])}
        architectures = {i: entry for i, entry in entries.items() if entry is not None}
        return cls(
            dataset=_mapping(raw.get("dataset")),
            recipe=_mapping(raw.get("recipe")) or {},
            pilots=_mapping(raw.get("pilots")) or {},
            architectures={
                i: {name: value for name, value in entry.items() if name != "seeds"}
                for i, entry in architectures.items()
            },
            seeds={i: entry["seeds"] for i, entry in architectures.items() if "seeds" in entry},
        )

    def groups(self) -> Iterator[tuple[SettingPath, dict[str, Any]]]:
        """Yield each group of settings that may contain grids, with its path."""
        yield ("dataset",), self.dataset or {}
        yield ("recipe",), self.recipe
        yield ("pilots",), self.pilots
        for i, entry in self.architectures.items():
            yield ("architectures", i), entry

    def merged_recipe(self, i: int) -> dict[str, Any]:
        """Return the merged recipe of an entry, or the study's recipe if the entry's own is no mapping."""
        entry_recipe = self.architectures[i].get("recipe", {})
        return merge(self.recipe, entry_recipe) if isinstance(entry_recipe, dict) else self.recipe

    def has_auto_rate(self, i: int) -> bool:
        """Return whether pilot runs choose the learning rates of an entry."""
        trained = not all(map(is_fitted, entry_types(self.architectures[i])))
        return trained and is_auto(self.merged_recipe(i))

    def validated_seeds(self, default: int, problems: ConfigProblems) -> dict[int, int]:
        """Return the number of seeds of each entry; the default if an entry gives no valid number."""
        entry_seeds = {
            i: problems.validate(_Seeds, value, locator(("architectures", i, "seeds")))
            for i, value in self.seeds.items()
        }
        return {i: entry_seeds.get(i) or default for i in self.architectures}


def entry_types(entry: dict[str, Any]) -> list[str]:
    """Return the types of an entry of ``architectures``, which may be a grid."""
    given = entry.get("type")
    return [str(name) for name in (given if isinstance(given, list) else [given])]


def _mapping(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) and all(isinstance(name, str) for name in value) else None
