"""From a YAML file to a study, with every fault named by its path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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

MOST_RUNS = 1_000_000
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
    file = faults.validate(StudyFile, read_file(source, overrides))
    faults.stop()
    groups: list[tuple[LeafPath, dict[str, Any]]] = [(("dataset",), file.dataset), (("recipe",), file.recipe)]
    groups += [(("architectures", i), entry) for i, entry in enumerate(file.architectures)]
    for root, leaves in groups:
        for path, fault in grid.faults(leaves):
            faults.add(root + path, fault)
    _count(file, faults)
    faults.stop()
    datasets = list(_datasets(file.dataset, data, faults))
    cells = [cell for i, entry in enumerate(file.architectures) for cell in _cells(i, entry, file.recipe, datasets, faults)]
    faults.stop()
    return Study(file.study, source, tuple(cells), file.seeds, file.resources, file.store)


def _count(file: StudyFile, faults: Faults) -> None:
    """Refuse a study of more runs than a plan can list, before any is made."""
    cells = grid.size(file.dataset) * sum(
        grid.size({name: value for name, value in entry.items() if name != "recipe"})
        * (grid.size(laid_over(file.recipe, above)) if isinstance(above := entry.get("recipe", {}), dict) else 1)
        for entry in file.architectures
    )
    if cells * file.seeds > MOST_RUNS:
        most = f"a study holds at most {MOST_RUNS:,}"
        if cells > file.seeds:
            faults.add(("architectures",), f"the grids make {cells:,} networks, with {file.seeds:,} seeds {cells * file.seeds:,} runs; {most}")
        else:
            faults.add(("seeds",), f"{file.seeds:,} seeds make {cells * file.seeds:,} runs; {most}")


def _datasets(leaves: dict[str, Any], folder: Path, faults: Faults) -> Iterator[tuple[AnyDataset, Facts]]:
    for point in grid.points(leaves):
        place = _place(("dataset",), point)
        dataset = faults.validate(AnyDataset, point.leaves, place)
        if dataset is None:
            continue
        facts = dataset.facts(folder)
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
