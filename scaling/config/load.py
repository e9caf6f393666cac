"""Loading of a study from its YAML file. All problems of the file are reported at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from scaling.config.expand import DatasetEntry, expand_architecture, expand_datasets
from scaling.config.grid import SettingPath, grid_problems, grid_size
from scaling.config.overrides import Override
from scaling.config.pilots import Pilots
from scaling.config.problems import ConfigProblems
from scaling.config.pruning import PruningConfig
from scaling.config.sections import Sections
from scaling.config.study import Cell, Study, StudyFile
from scaling.config.study_source import StudySource
from scaling.config.unused import check_overrides, validate_unused
from scaling.config.yaml_file import find_line, read_settings
from scaling.errors import DataError, shorten

_MAX_RUNS = 100_000
"""Largest number of runs of a study, pilot runs included."""
_MAX_DATA_ERROR = 600
"""Largest number of characters of the message about a user's own data set, which names several paths."""


def load_study(source: StudySource, *, data: Path, overrides: Sequence[str] = ()) -> Study:
    """Load a study from its YAML file, or from its settings.

    Args:
        source: the YAML file, or the settings.
        data: the data folder, which may contain a user's own data set.
        overrides: changed settings as ``path=value``, such as ``recipe.epochs=5``; the value is YAML.

    Returns:
        The study, with one cell for each point of its grids.

    Raises:
        ConfigError: the study has problems; each is named by its path.
        DataError: the user's own data set is missing or unsuitable.
    """
    raw = read_settings(source, overrides)
    # The lines of the file are of no help where an override replaces a value.
    problems = ConfigProblems(str(source), (lambda path: None) if overrides else partial(find_line, source))
    file = problems.validate(StudyFile, raw)
    sections = Sections.from_raw(raw)
    _check_settings(sections, overrides, problems)
    seeds = sections.validated_seeds(file.seeds if file else 1, problems)
    pilots = file.pilots if file else Pilots()
    if "pilots" in raw:
        _check_pilots(sections, problems)
    _check_size(sections, seeds, pilots=pilots, problems=problems)

    unreadable: list[DataError] = []
    cells = _expand(
        sections, source, data, seeds=seeds, pilots=pilots, problems=problems, unreadable=unreadable
    )
    if file and file.pruning:
        _check_pruning(file.pruning, cells, stores_weights=file.store.weights == "all", problems=problems)
    problems.raise_if_any()
    if unreadable:
        raise DataError(shorten(f"{source}: {unreadable[0].problem}", _MAX_DATA_ERROR)) from unreadable[0]
    return Study(
        name=file.study,
        source=source,
        cells=tuple(cells),
        resources=file.resources,
        store=file.store,
        pruning=file.pruning,
    )


def _expand(
    sections: Sections,
    source: StudySource,
    data: Path,
    *,
    seeds: dict[int, int],
    pilots: Pilots,
    problems: ConfigProblems,
    unreadable: list[DataError],
) -> list[Cell]:
    """Return the cells of a study: the grids of its architectures times its data sets.

    Args:
        sections: sections of the file.
        source: the YAML file, or the settings.
        data: the data folder.
        seeds: number of seeds of each entry of ``architectures``.
        pilots: settings of the pilot runs.
        problems: collects what is wrong.
        unreadable: collects the errors of a user's own files.
    """
    folder = source.parent if isinstance(source, Path) else Path()
    datasets: list[DatasetEntry] = []
    if sections.dataset is not None:
        datasets = expand_datasets(
            sections.dataset, data, study=folder, problems=problems, unreadable=unreadable
        )
    return [
        cell
        for i, entry in sections.architectures.items()
        for cell in expand_architecture(
            i,
            entry,
            recipe=sections.recipe,
            seeds=seeds[i],
            gives_seeds=i in sections.seeds,
            pilots=pilots,
            datasets=datasets,
            folder=folder,
            problems=problems,
        )
    ]


def _check_settings(sections: Sections, overrides: Sequence[str], problems: ConfigProblems) -> None:
    """Check the overrides, the values that no run uses, and the lists of values."""
    changed = (path for text in overrides for path in Override.parse(text).paths())
    check_overrides(changed, sections, problems)
    validate_unused(sections, problems)
    for root, settings in sections.groups():
        for problem in grid_problems(settings):
            problems.add(root + problem.path, problem.text)


def _check_pilots(sections: Sections, problems: ConfigProblems) -> None:
    """Check that pilot runs have a learning rate to choose."""
    if not any(map(sections.has_auto_rate, sections.architectures)):
        problems.add(
            ("pilots",),
            "no architecture has learning_rate: auto; set recipe.learning_rate: auto, "
            "or remove the key pilots",
        )


def _check_pruning(
    pruning: PruningConfig, cells: Sequence[Cell], *, stores_weights: bool, problems: ConfigProblems
) -> None:
    """Check that each network can be pruned, before any of them is trained."""
    if not stores_weights:
        problems.add(
            ("store", "weights"),
            "expected all, because pruning starts from stored weights; add store: {weights: all}",
        )
    for cell in cells:
        if cell.architecture.fit_profile:
            problems.add(
                ("pruning",), f"{cell.architecture.type} has no weights to delete; move it to another study"
            )
        elif not cell.architecture.can_be_pruned:
            problems.add(
                ("pruning",), f"{cell.architecture.title} is the user's own code, which cannot be pruned"
            )
        elif problem := pruning.problem(cell.recipe, cell.layer_table().parameters):
            problems.add(("pruning", *filter(None, problem.path)), problem.text)


@dataclass(frozen=True, kw_only=True)
class _RunCount:
    """Number of runs of one entry of ``architectures``."""

    networks: int
    seeds: int
    """Number of seeds of each network."""
    pilots: int
    """Number of pilot runs of each network."""

    @property
    def runs(self) -> int:
        return self.networks * (self.seeds + self.pilots)


def _count_runs(sections: Sections, i: int, *, seeds: int, pilots: Pilots) -> _RunCount:
    entry = sections.architectures[i]
    settings = {name: value for name, value in entry.items() if name != "recipe"}
    recipes = grid_size(sections.merged_recipe(i)) if isinstance(entry.get("recipe", {}), dict) else 1
    return _RunCount(
        networks=grid_size(sections.dataset or {}) * grid_size(settings) * recipes,
        seeds=seeds,
        pilots=len(pilots.learning_rates) * pilots.seeds if sections.has_auto_rate(i) else 0,
    )


def _check_size(
    sections: Sections, seeds: dict[int, int], *, pilots: Pilots, problems: ConfigProblems
) -> None:
    """Refuse a study with more runs than a plan can list, before any cell is created.

    The message names the setting that contributes most to the number of runs.

    Raises:
        ConfigError: the study has too many runs.
    """
    counts = {i: _count_runs(sections, i, seeds=seeds[i], pilots=pilots) for i in sections.architectures}
    total = sum(count.runs for count in counts.values())
    if total <= _MAX_RUNS:
        return
    limit = f"a study may have at most {_MAX_RUNS:,}"
    i, largest = max(counts.items(), key=lambda item: item[1].runs)
    if largest.networks > max(largest.seeds, largest.pilots):
        networks = sum(count.networks for count in counts.values())
        has_pilots = any(count.pilots for count in counts.values())
        included = "their seeds and pilots" if has_pilots else "their seeds"
        problems.add(
            ("architectures",),
            f"the grids have {networks:,} networks, which make {total:,} runs with {included}; {limit}",
        )
    elif largest.pilots > largest.seeds:
        problems.add(("pilots",), f"{largest.pilots:,} pilots of each network make {total:,} runs; {limit}")
    else:
        path: SettingPath = ("architectures", i, "seeds") if i in sections.seeds else ("seeds",)
        problems.add(path, f"{largest.seeds:,} seeds make {total:,} runs; {limit}")
    problems.raise_if_any()
