"""From a YAML file to a study, with every fault named by its path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaling.architectures import AnyArchitecture
from scaling.config import grid
from scaling.config.faults import Faults, Place
from scaling.config.grid import LeafPath
from scaling.config.overlay import is_above, laid_over
from scaling.config.recipe import Recipe
from scaling.config.source import read_file
from scaling.config.study import Cell, Study, StudyFile
from scaling.datasets import AnyDataset, Facts
from scaling.errors import DataError

MOST_RUNS = 100_000
"""Of a study."""


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
    faults = Faults(str(source))
    raw = read_file(source, overrides)
    file = faults.validate(StudyFile, raw)
    groups = _Groups.of(raw)
    for root, leaves in groups.places():
        for path, fault in grid.faults(leaves):
            faults.add(root + path, fault)
    if _too_many(groups, file.seeds if file else 1, faults):
        faults.stop()
    absent: list[DataError] = []
    datasets = list(_datasets(groups.dataset, data, faults, absent)) if groups.dataset is not None else []
    cells = [cell for i, entry in groups.architectures.items() for cell in _cells(i, entry, groups.recipe, datasets, faults)]
    faults.stop()
    for error in absent:
        raise error
    return Study(file.study, source, tuple(cells), file.seeds, file.resources, file.store)


@dataclass(frozen=True)
class _Groups:
    """What of a file can be looked into, even where something else in it is wrong: so all faults are told at once."""

    dataset: dict[str, Any] | None
    recipe: dict[str, Any]
    architectures: dict[int, dict[str, Any]]
    """By their place in the list."""

    @classmethod
    def of(cls, raw: dict[str, Any]) -> _Groups:
        entries = raw.get("architectures")
        found = {i: _settings(entry) for i, entry in enumerate(entries if isinstance(entries, list) else [])}
        return cls(_settings(raw.get("dataset")), _settings(raw.get("recipe")) or {}, {i: e for i, e in found.items() if e is not None})

    def places(self) -> Iterator[tuple[LeafPath, dict[str, Any]]]:
        yield ("dataset",), self.dataset or {}
        yield ("recipe",), self.recipe
        for i, entry in self.architectures.items():
            yield ("architectures", i), entry


def _settings(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) and all(isinstance(name, str) for name in value) else None


def _too_many(groups: _Groups, seeds: int, faults: Faults) -> bool:
    """Refuse a study of more runs than a plan can list, before any is made."""
    cells = grid.size(groups.dataset or {}) * sum(
        grid.size({name: value for name, value in entry.items() if name != "recipe"})
        * (grid.size(laid_over(groups.recipe, above)) if isinstance(above := entry.get("recipe", {}), dict) else 1)
        for entry in groups.architectures.values()
    )
    if cells * seeds <= MOST_RUNS:
        return False
    most = f"a study holds at most {MOST_RUNS:,}"
    if cells > seeds:
        faults.add(("architectures",), f"the grids make {cells:,} networks, with {seeds:,} seeds {cells * seeds:,} runs; {most}")
    else:
        faults.add(("seeds",), f"{seeds:,} seeds make {cells * seeds:,} runs; {most}")
    return True


def _datasets(leaves: dict[str, Any], folder: Path, faults: Faults, absent: list[DataError]) -> Iterator[tuple[AnyDataset, Facts]]:
    """Those that are as they should be. A user's own one that can't be read is added to ``absent``: the rest may have faults too."""
    for point in grid.points(leaves):
        place = _place(("dataset",), point)
        dataset = faults.validate(AnyDataset, point.leaves, place)
        if dataset is None:
            continue
        try:
            facts = dataset.facts(folder)
        except DataError as error:
            absent.append(error)
            continue
        if fault := dataset.fault(facts):
            faults.add(place((fault[0],)), fault[1])
        else:
            yield dataset, facts


def _recipes(i: int, below: dict[str, Any], above: Any, faults: Faults) -> Iterator[tuple[Recipe, Place]]:
    """The study's recipes as an architecture has them, and where the leaves of each stand."""
    own: LeafPath = ("architectures", i, "recipe")
    if not isinstance(above, dict):
        faults.add(own, f"must be a mapping of keys to values, not {above!r}")
        return
    for point in grid.points(laid_over(below, above)):

        def place(path: LeafPath, point: grid.Point = point) -> LeafPath:
            return _place(own if is_above(path, below, above) else ("recipe",), point)(path)

        recipe = faults.validate(Recipe, point.leaves, place)
        if recipe is not None:
            yield recipe, place


def _cells(
    i: int, entry: dict[str, Any], recipe: dict[str, Any], datasets: Sequence[tuple[AnyDataset, Facts]], faults: Faults
) -> Iterator[Cell]:
    recipes = list(_recipes(i, recipe, entry.get("recipe", {}), faults))
    for point in grid.points({name: value for name, value in entry.items() if name != "recipe"}):
        place = _place(("architectures", i), point)
        architecture = faults.validate(AnyArchitecture, point.leaves, place)
        if architecture is None:
            continue
        places = {name: grid.dotted(place((name,))) for name in type(architecture).model_fields}
        for dataset, facts in datasets:
            if fault := architecture.fault(facts.image):
                faults.add(place((fault[0],)), fault[1])
                continue
            for trained, where in recipes:
                if unfit := trained.fault(facts.image, dataset.used(facts)):
                    faults.add(where(unfit[0]), unfit[1])
                yield Cell(dataset, facts, architecture, trained, places)


def _place(root: LeafPath, point: grid.Point) -> Place:
    return lambda path: root + point.place(path)
