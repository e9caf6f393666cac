"""Expansion of the grids of a study's file into cells."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from reprlib import repr as short_repr
from typing import Any

from scaling.architectures import AnyArchitecture, is_fitted, recipe_settings
from scaling.config.architecture_entry import ArchitectureEntry
from scaling.config.fitted_recipe import unused_settings, used_settings, with_placeholders
from scaling.config.grid import GridPoint, Locate, SettingPath, locator, validated_points
from scaling.config.pilots import AUTO, Pilots, is_auto
from scaling.config.problems import ConfigProblems
from scaling.config.recipe import Recipe
from scaling.config.recipe_merge import is_overridden, merge, pin
from scaling.config.sections import entry_types
from scaling.config.study import Cell
from scaling.datasets import AnyDataset, DatasetInfo, torchvision_name
from scaling.errors import DataError

_RATE = "learning_rate"

_SAME_NETWORK = "gives the same network as {}, the nearest of this cost; remove one of them"
"""Problem of a network that two costs give."""


@dataclass(frozen=True, kw_only=True)
class DatasetEntry:
    """One point of the data set's grid."""

    dataset: AnyDataset
    info: DatasetInfo


@dataclass(frozen=True, kw_only=True)
class _RecipeEntry:
    """One point of the grid of an architecture's recipe."""

    recipe: Recipe
    """The recipe; its learning rate is the default if pilot runs choose it."""
    has_auto_rate: bool
    """True if pilot runs choose the learning rate."""
    pinned: dict[str, Any]
    """Recipe that an entry for this point alone would contain."""
    locate: Locate
    """Finds a setting of the recipe in the file."""


def expand_datasets(
    settings: dict[str, Any],
    folder: Path,
    *,
    study: Path,
    problems: ConfigProblems,
    unreadable: list[DataError],
) -> list[DatasetEntry]:
    """Return the valid points of the data set's grid, without repeated ones.

    Points with all classes are equal for every ``labels_draw``.

    Args:
        settings: the section ``dataset``.
        folder: the data folder.
        study: folder of the study's file, beside which a user's own files may be.
        problems: collects what is wrong with the section.
        unreadable: collects the errors of a user's own files. They are not raised here, because the rest of
            the study's file may have problems too.
    """

    def validate(point: GridPoint) -> DatasetEntry | None:
        locate = locator(("dataset",), point)
        if name := torchvision_name(point.settings.get("type")):
            problems.add(locate(("type",)), f"write {{type: torchvision, name: {name}}}")
            return None
        dataset = problems.validate(AnyDataset, point.settings, locate)
        if dataset is None:
            return None
        try:
            dataset = dataset.located(study, folder)
            info = dataset.info(folder)
        except DataError as error:
            unreadable.append(error)
            return None
        if problem := dataset.problem(info):
            problems.add(locate(problem.path), problem.text)
            return None
        return DatasetEntry(dataset=dataset, info=info)

    entries: dict[str, DatasetEntry] = {}
    for entry in validated_points(settings, validate):
        unused = set() if entry.info.classes_in_use else {"labels", "labels_draw"}
        entries.setdefault(entry.dataset.model_dump_json(exclude=unused), entry)
    return list(entries.values())


def expand_architecture(
    i: int,
    entry: dict[str, Any],
    *,
    recipe: dict[str, Any],
    seeds: int,
    gives_seeds: bool,
    pilots: Pilots,
    datasets: Sequence[DatasetEntry],
    folder: Path,
    problems: ConfigProblems,
) -> Iterator[Cell]:
    """Yield the cells of one entry of ``architectures``: its grid times the data sets times its recipes.

    Args:
        i: position of the entry in the list.
        entry: the entry, without its seeds.
        recipe: the study's recipe.
        seeds: number of seeds of each network. An architecture without random numbers has one run.
        gives_seeds: True if the entry gives this number itself.
        pilots: settings of the pilot runs.
        datasets: the study's data sets.
        folder: folder of the study's file.
        problems: collects what is wrong.
    """
    recipes = {
        kind: list(
            _expand_recipes(i, recipe, entry_recipe=entry.get("recipe", {}), kind=kind, problems=problems)
        )
        for kind in dict.fromkeys(entry_types(entry))
    }
    path_of_network: dict[tuple[AnyDataset, AnyArchitecture], str] = {}
    for architecture_entry in _expand_entry(i, entry, folder, problems):
        kind, has_seeds = architecture_entry.architecture.type, architecture_entry.architecture.has_seeds
        if not has_seeds and gives_seeds and seeds > 1:
            problems.add(
                ("architectures", i, "seeds"),
                f"expected 1, because {kind} has no random numbers, got {seeds}",
            )
        for dataset in datasets:
            train_size = dataset.dataset.train_size(dataset.info)
            if problem := architecture_entry.problem(dataset.info.image, train_size):
                problems.add(architecture_entry.locate(problem.path), problem.text)
                continue
            network = architecture_entry.resolve(dataset.info.image)
            if architecture_entry.cost:
                path = architecture_entry.setting_paths[architecture_entry.varied_field]
                first = path_of_network.setdefault((dataset.dataset, network), path)
                _check_first(architecture_entry, first, problems)
            for recipe_entry in recipes[kind]:
                cell = Cell(
                    dataset=dataset.dataset,
                    info=dataset.info,
                    architecture=network,
                    recipe=recipe_entry.recipe,
                    setting_paths=architecture_entry.setting_paths,
                    seeds=seeds if has_seeds else 1,
                    entry=_own_entry(architecture_entry.settings_of(network), recipe_entry.pinned),
                )
                yield _checked(cell, recipe_entry, pilots=pilots, problems=problems)


def _check_first(entry: ArchitectureEntry, first: str, problems: ConfigProblems) -> None:
    """Check that the network of a cost is not that of another cost, whose path is ``first``."""
    if first != entry.setting_paths[entry.varied_field]:
        problems.add(entry.locate((entry.varied_field,)), _SAME_NETWORK.format(first))


def _expand_entry(
    i: int, entry: dict[str, Any], folder: Path, problems: ConfigProblems
) -> Iterator[ArchitectureEntry]:
    """Return the valid points of the grid of an entry, without its recipe."""

    def validate(point: GridPoint) -> ArchitectureEntry | None:
        return ArchitectureEntry.from_point(
            point, locator(("architectures", i), point), folder=folder, problems=problems
        )

    settings = {name: value for name, value in entry.items() if name != "recipe"}
    return validated_points(settings, validate)


def _own_entry(settings: dict[str, Any], recipe: dict[str, Any]) -> dict[str, Any]:
    return settings | {"recipe": recipe} if recipe else settings


def _expand_recipes(
    i: int, base: dict[str, Any], *, entry_recipe: Any, kind: str, problems: ConfigProblems
) -> Iterator[_RecipeEntry]:
    """Yield the valid points of the grid of an entry's recipe, merged over the study's.

    Args:
        i: position of the entry in the list.
        base: the study's recipe.
        entry_recipe: the entry's recipe.
        kind: type of the architecture.
        problems: collects what is wrong.
    """
    root: SettingPath = ("architectures", i, "recipe")
    if not isinstance(entry_recipe, dict):
        problems.add(root, f"expected a mapping of keys to values, got {short_repr(entry_recipe)}")
        return
    used = recipe_settings(kind)
    if used is not None:
        reason = (
            "an architecture that is fitted in one go" if is_fitted(kind) else "a network that trains itself"
        )
        for name in unused_settings(entry_recipe, used):
            problems.add((*root, name), f"has no meaning for {reason}; remove it")
        base, entry_recipe = used_settings(base, used), used_settings(entry_recipe, used)

    def validate(point: GridPoint) -> _RecipeEntry | None:
        locate = _recipe_locator(root, point, base=base, entry_recipe=entry_recipe)
        settings, has_auto_rate = dict(point.settings), is_auto(point.settings)
        if has_auto_rate and (_RATE,) in point.value_paths:
            problems.add(
                locate((_RATE,)),
                f"{AUTO} cannot be one value of a grid; list the candidates in pilots.learning_rates",
            )
            return None
        if has_auto_rate:
            del settings[_RATE]
        recipe = problems.validate(Recipe, settings, locate)
        return recipe and _RecipeEntry(
            recipe=recipe if used is None else with_placeholders(recipe, used),
            has_auto_rate=has_auto_rate,
            pinned=pin(entry_recipe, point),
            locate=locate,
        )

    yield from validated_points(merge(base, entry_recipe), validate)


def _recipe_locator(
    root: SettingPath, point: GridPoint, *, base: dict[str, Any], entry_recipe: dict[str, Any]
) -> Locate:
    """Return the function that finds a setting in the entry's recipe or in the study's."""
    in_own, in_base = locator(root, point), locator(("recipe",), point)
    return lambda path: (in_own if is_overridden(path, base=base, override=entry_recipe) else in_base)(path)


def _checked(cell: Cell, entry: _RecipeEntry, *, pilots: Pilots, problems: ConfigProblems) -> Cell:
    """Check a recipe against its data set, and add the cell's pilot runs."""
    image = cell.info.image
    if problem := cell.recipe.problem(image, cell.dataset.train_size(cell.info)):
        problems.add(entry.locate(problem.path), problem.text)
        return cell
    if cell.recipe.precision not in cell.architecture.precisions:
        permitted = " or ".join(cell.architecture.precisions)
        problems.add(
            entry.locate(("precision",)),
            f"expected {permitted}, in which {cell.architecture.title} trains, got {cell.recipe.precision}",
        )
    if not entry.has_auto_rate:
        return cell
    cell = cell.with_pilots(pilots)
    dataset = cell.pilots[0].dataset
    if problem := dataset.problem(cell.info):
        problems.add(("pilots", *problem.path), problem.text)
    elif problem := cell.recipe.problem(image, dataset.train_size(cell.info)):
        hint = "pilots hold out the other images for validation"
        problems.add(entry.locate(problem.path), f"{problem.text} ({hint})")
    return cell
