"""From a YAML file to a study, with every fault named by its path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaling.architectures import AnyArchitecture
from scaling.config import grid
from scaling.config.architecture_entry import ArchitectureEntry
from scaling.config.grid import SettingPath
from scaling.config.merge import is_above, merge, pinned
from scaling.config.pilots import AUTO, Pilots
from scaling.config.problems import ConfigProblems, FieldPath
from scaling.config.recipe import Recipe
from scaling.config.study import Cell, Replicates, Study, StudyFile
from scaling.config.yaml_file import read_file
from scaling.datasets import AnyDataset, DatasetInfo
from scaling.errors import DataError

MOST_RUNS = 100_000
"""Of a study, its pilots included."""
RATE = "learning_rate"
"""Of a recipe."""


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
    problems = ConfigProblems(str(source))
    raw = read_file(source, overrides)
    file = problems.validate(StudyFile, raw)
    groups = _Groups.of(raw)
    for root, leaves in groups.places():
        for path, problem in grid.problems(leaves):
            problems.add(root + path, problem)
    seeds, pilots = _seeds(groups, file.seeds if file else 1, problems), file.pilots if file else Pilots()
    if "pilots" in raw and not any(map(groups.is_auto, groups.architectures)):
        problems.add(
            ("pilots",),
            "no learning rate is to be chosen; give recipe.learning_rate: auto, or leave this out",
        )
    if _too_many(groups, seeds, pilots, problems):
        problems.stop()
    absent: list[DataError] = []
    datasets = list(_datasets(groups.dataset, data, problems, absent)) if groups.dataset is not None else []
    cells = [
        cell for i in groups.architectures for cell in _cells(i, groups, seeds[i], pilots, datasets, problems)
    ]
    problems.stop()
    for error in absent:
        raise error
    return Study(file.study, source, tuple(cells), file.resources, file.store)


@dataclass(frozen=True)
class _Groups:
    """What of a file can be looked into, even where something else in it is wrong: so all faults are told at once."""

    dataset: dict[str, Any] | None
    recipe: dict[str, Any]
    pilots: dict[str, Any]
    architectures: dict[int, dict[str, Any]]
    """By their place in the list, without their seeds, which are no grid."""
    seeds: dict[int, dict[str, Any]]
    """``{"seeds": n}`` of those that say so themselves."""

    @classmethod
    def of(cls, raw: dict[str, Any]) -> _Groups:
        listed = raw.get("architectures")
        found = {i: _settings(entry) for i, entry in enumerate(listed if isinstance(listed, list) else [])}
        entries = {i: entry for i, entry in found.items() if entry is not None}
        return cls(
            _settings(raw.get("dataset")),
            _settings(raw.get("recipe")) or {},
            _settings(raw.get("pilots")) or {},
            {
                i: {name: value for name, value in entry.items() if name != "seeds"}
                for i, entry in entries.items()
            },
            {i: {"seeds": entry["seeds"]} for i, entry in entries.items() if "seeds" in entry},
        )

    def places(self) -> Iterator[tuple[SettingPath, dict[str, Any]]]:
        yield ("dataset",), self.dataset or {}
        yield ("recipe",), self.recipe
        yield ("pilots",), self.pilots
        for i, entry in self.architectures.items():
            yield ("architectures", i), entry

    def is_auto(self, i: int) -> bool:
        """Whether pilots choose the learning rates of an architecture."""
        own = self.architectures[i].get("recipe", {})
        rate = (own if isinstance(own, dict) and RATE in own else self.recipe).get(RATE)
        return bool(rate == AUTO)


def _settings(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) and all(isinstance(name, str) for name in value) else None


def _seeds(groups: _Groups, default: int, problems: ConfigProblems) -> dict[int, int]:
    """Of each architecture."""
    own = {
        i: problems.validate(Replicates, leaves, _place(("architectures", i)))
        for i, leaves in groups.seeds.items()
    }
    return dict.fromkeys(groups.architectures, default) | {
        i: said.seeds for i, said in own.items() if said is not None
    }


def _too_many(groups: _Groups, seeds: dict[int, int], pilots: Pilots, problems: ConfigProblems) -> bool:
    """Refuse a study of more runs than a plan can list, before any is made."""
    networks = {
        i: grid.size(groups.dataset or {})
        * grid.size({name: value for name, value in entry.items() if name != "recipe"})
        * (
            grid.size(merge(groups.recipe, above))
            if isinstance(above := entry.get("recipe", {}), dict)
            else 1
        )
        for i, entry in groups.architectures.items()
    }
    tries = {i: len(pilots.learning_rates) * pilots.seeds * groups.is_auto(i) for i in networks}
    runs = {i: count * (seeds[i] + tries[i]) for i, count in networks.items()}
    total, most = sum(runs.values()), f"a study holds at most {MOST_RUNS:,}"
    if total <= MOST_RUNS:
        return False
    i = max(runs, key=lambda i: runs[i])
    if networks[i] > max(seeds[i], tries[i]):
        all_of = "seeds and pilots" if any(tries.values()) else "seeds"
        problems.add(
            ("architectures",),
            f"the grids make {sum(networks.values()):,} networks, with their {all_of} {total:,} runs; {most}",
        )
    elif tries[i] > seeds[i]:
        problems.add(("pilots",), f"{tries[i]:,} pilots of each network make {total:,} runs; {most}")
    else:
        place: SettingPath = ("architectures", i, "seeds") if i in groups.seeds else ("seeds",)
        problems.add(place, f"{seeds[i]:,} seeds make {total:,} runs; {most}")
    return True


def _datasets(
    leaves: dict[str, Any], folder: Path, problems: ConfigProblems, absent: list[DataError]
) -> Iterator[tuple[AnyDataset, DatasetInfo]]:
    """Those that are as they should be. A user's own one that can't be read is added to ``absent``: the rest may have faults too."""
    for point in grid.points(leaves):
        place = _place(("dataset",), point)
        dataset = problems.validate(AnyDataset, point.leaves, place)
        if dataset is None:
            continue
        try:
            info = dataset.info(folder)
        except DataError as error:
            absent.append(error)
            continue
        if problem := dataset.problem(info):
            problems.add(place(problem.path), problem.text)
        else:
            yield dataset, info


@dataclass(frozen=True)
class _Trained:
    """A recipe as an architecture has it."""

    recipe: Recipe
    """Of any learning rate, where that is to be chosen."""
    place: FieldPath
    """Where its leaves stand."""
    own: dict[str, Any]
    """What of it the architecture must say itself."""
    auto: bool


def _recipes(i: int, below: dict[str, Any], above: Any, problems: ConfigProblems) -> Iterator[_Trained]:
    own: SettingPath = ("architectures", i, "recipe")
    if not isinstance(above, dict):
        problems.add(own, f"must be a mapping of keys to values, not {above!r}")
        return
    for point in grid.points(merge(below, above)):

        def place(path: SettingPath, point: grid.Point = point) -> SettingPath:
            return _place(own if is_above(path, below, above) else ("recipe",), point)(path)

        auto = point.leaves.get(RATE) == AUTO
        if auto and (RATE,) in point.places:
            problems.add(
                place((RATE,)),
                f"{AUTO} stands alone, in the place of a grid; its own is pilots.learning_rates",
            )
            continue
        leaves = {name: value for name, value in point.leaves.items() if not (auto and name == RATE)}
        recipe = problems.validate(Recipe, leaves, place)
        if recipe is not None:
            yield _Trained(recipe, place, pinned(above, point), auto)


def _cells(
    i: int,
    groups: _Groups,
    seeds: int,
    pilots: Pilots,
    datasets: Sequence[tuple[AnyDataset, DatasetInfo]],
    problems: ConfigProblems,
) -> Iterator[Cell]:
    entry, made = groups.architectures[i], dict[tuple[AnyDataset, AnyArchitecture], str]()
    recipes = list(_recipes(i, groups.recipe, entry.get("recipe", {}), problems))
    for point in grid.points({name: value for name, value in entry.items() if name != "recipe"}):
        place = _place(("architectures", i), point)
        if (draft := ArchitectureEntry.of(point, place, problems)) is None:
            continue
        for dataset, info in datasets:
            if problem := draft.problem(info.image):
                problems.add(place(problem.path), problem.text)
                continue
            architecture, here = draft.on(info.image), draft.places[draft.free]
            if draft.cost and (twin := made.setdefault((dataset, architecture), here)) != here:
                problems.add(
                    place((draft.free,)),
                    f"makes the same network as {twin}, the nearest of this cost; leave one of them out",
                )
            leaves = draft.entry(architecture)
            for trained in recipes:
                own = leaves | ({"recipe": trained.own} if trained.own else {})
                cell = Cell(dataset, info, architecture, trained.recipe, draft.places, seeds, own)
                if unfit := trained.recipe.problem(info.image, dataset.train_size(info)):
                    problems.add(trained.place(unfit.path), unfit.text)
                elif trained.auto:
                    cell = _tried(cell, pilots, trained.place, problems)
                yield cell


def _tried(cell: Cell, pilots: Pilots, place: FieldPath, problems: ConfigProblems) -> Cell:
    """With its pilots."""
    tried = cell.with_pilots(pilots)
    dataset = tried.pilots[0].dataset
    if problem := dataset.problem(cell.info):
        problems.add(("pilots", *problem.path), problem.text)
    elif unfit := cell.recipe.problem(cell.info.image, dataset.train_size(cell.info)):
        problems.add(place(unfit.path), f"{unfit.text}, which validation images leave to pilots")
    return tried


def _place(root: SettingPath, point: grid.Point = grid.WHOLE) -> FieldPath:
    return lambda path: root + point.place(path)
