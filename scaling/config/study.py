"""A study: the checked content of its YAML file, as cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from scaling.architectures import AnyArchitecture, LayerTable
from scaling.config.curves import COSTS, LEARNING_RATE, Settings, assign_curves, curve_settings
from scaling.config.identity import SEEDS_PER_ORDER, Data, Run
from scaling.config.pilots import AUTO, Pilots, RateChoice
from scaling.config.pruning import PruningConfig
from scaling.config.recipe import Recipe
from scaling.config.study_source import StudySource
from scaling.datasets import AnyDataset, DatasetInfo
from scaling.settings import ConfigModel, PositiveInt, zero_or_at_least

DEFAULT_SEEDS = 8
"""Number of seeds of a network if the file gives none."""


class Resources(ConfigModel):
    """Resources of the machine. They change no run id and no result."""

    workers: Annotated[int, Field(ge=1, le=10**4)] | None = None
    """Number of packs that train at once on this machine: by default, and at most, one per core.

    A pack trains on one core. Clusters use all cores.
    """
    memory_gib: Annotated[float, Field(gt=0, le=10**6)] | None = None
    """Memory in GiB that all workers of this machine may hold together; by default 80 % of its memory."""
    gpus: Annotated[float, Field(ge=0, le=1), zero_or_at_least(1e-4)] = 0.0
    """GPUs for each pack, which trains on one GPU at most; a fraction shares one GPU between packs.

    Ray counts in steps of 1/10,000.
    """
    engine: Literal["auto", "processes", "ray"] = "auto"
    """What runs the workers on this machine: worker processes, or Ray.

    ``auto`` takes Ray if packs request GPUs or if the sweep takes more than ten minutes. Clusters use Ray.
    """


class StoreConfig(ConfigModel):
    """Content of the store besides its tables."""

    weights: Literal["none", "all"] = "none"
    """Runs whose trained weights are stored."""


class StudyFile(ConfigModel):
    """Keys of a study's YAML file. A setting of a data set, architecture or recipe may be a grid."""

    study: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
    """Name of the study and of its folder of figures. File systems permit names of up to 255 characters."""
    dataset: dict[str, Any]
    """Data set: its type, its options and how much of it is used."""
    architectures: Annotated[list[dict[str, Any]], Field(min_length=1)]
    """Architectures. An entry may have ``seeds``, and a ``recipe`` that is merged over the study's."""
    recipe: dict[str, Any] = Field(default_factory=dict)
    """Training recipe of all architectures."""
    seeds: PositiveInt = DEFAULT_SEEDS
    """Number of seeds of each network: seeds 0 to n-1. Each block of eight has its own minibatch order.

    An architecture without random numbers, such as a support vector machine, has one run.
    """
    pilots: Pilots = Pilots()
    """Pilot runs of the networks whose learning rate is ``auto``."""
    pruning: PruningConfig | None = None
    """Pruning of the trained networks."""
    resources: Resources = Resources()
    """Resources of the machine."""
    store: StoreConfig = StoreConfig()
    """Content of the store."""


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One point of a study's grid: all runs that differ in seed and order only.

    A pending cell has the first of its pilots' learning rates as a placeholder. Its runs then cost what the
    real runs will cost, and their ids have no meaning.
    """

    dataset: AnyDataset
    """Data set, and how much of it is used."""
    info: DatasetInfo
    """Shape, sizes and fingerprint of the data set."""
    architecture: AnyArchitecture
    """Network, with all values resolved."""
    recipe: Recipe
    """Training recipe."""
    setting_paths: dict[str, str] = field(default_factory=dict)
    """Path in the file of each setting of the architecture, such as ``architectures[1].filters[0]``."""
    seeds: int = DEFAULT_SEEDS
    """Number of seeds, which are 0 to n-1. This number is part of no run id."""
    entry: dict[str, Any] = field(default_factory=dict)
    """Entry of ``architectures`` that describes this cell alone, without its seeds."""
    is_pilot: bool = False
    """True if the runs are pilot runs. Pilot runs of different learning rates train in one pack."""
    pilots: tuple[Cell, ...] = ()
    """Cells of the pilot runs, by rising learning rates; empty if the recipe gives the learning rate."""
    choice: RateChoice | None = None
    """Learning rate that the pilot runs chose."""

    def __repr__(self) -> str:
        network, pilots = self.architecture, " of pilot runs" if self.is_pilot else ""
        return f"<Cell{pilots}: {network.type}, filters={network.filters}, {self.info.title}>"

    @cached_property
    def key(self) -> str:
        """Key that is unique within a study: what the cell trains, and where the file asks for it.

        Cells of two entries that ask for the same runs have different keys.
        """
        configs = (self.dataset, self.architecture, self.recipe)
        return " ".join(
            [
                "pilot" if self.is_pilot else "cell",
                *self.setting_paths.values(),
                *(config.identity for config in configs),
            ]
        )

    def layer_table(self) -> LayerTable:
        """Return the layers of the network."""
        return self.architecture.layer_table(self.info.image)

    @property
    def training_flops(self) -> int:
        """Floating-point operations of one run, over all epochs."""
        images = self.recipe.images_per_epoch(self.dataset.train_size(self.info))
        return self.recipe.epochs * images * self.layer_table().training_flops

    @property
    def pending(self) -> bool:
        """True if the learning rate is not chosen yet."""
        return bool(self.pilots) and self.choice is None

    @cached_property
    def data(self) -> Data:
        """Data of the runs, as their identity sees it."""
        used = self.dataset.train_size(self.info)
        return Data(
            type=self.dataset.content_type,
            fingerprint=self.info.fingerprint,
            labels=self.info.image.classes if self.info.classes_in_use else None,
            labels_draw=self.dataset.labels_draw if self.info.classes_in_use else 0,
            train_images=used if used < self.info.train_images - self.dataset.validation else None,
            validation=self.dataset.validation,
        )

    def run(self, seed: int) -> Run:
        """Return the run of a seed."""
        return Run(
            data=self.data,
            architecture=self.architecture,
            recipe=self.recipe,
            seed=seed,
            order=seed // SEEDS_PER_ORDER,
        )

    def settings(self) -> Settings:
        """Return the settings that decide on the curve. A rate that pilot runs choose is ``auto``."""
        settings = curve_settings(self.run(0), self.dataset.train_size(self.info))
        return settings | {LEARNING_RATE: AUTO} if self.pilots else settings

    def costs(self) -> Settings:
        """Return the cost that the file gives in place of filters; empty if the file gives none."""
        costs = {name: getattr(self.architecture, name.partition(".")[2]) for name in COSTS}
        return {name: cost for name, cost in costs.items() if cost}

    def with_filters(self, filters: int, *, seeds: int = 0) -> Cell:
        """Return the cell of another width. Its own pilot runs choose a learning rate that is ``auto``.

        Args:
            filters: number of filters.
            seeds: number of seeds.
        """
        return replace(
            self,
            architecture=self.architecture.with_filters(filters),
            seeds=seeds,
            entry={**self.entry, "filters": filters},
            pilots=tuple(pilot.with_filters(filters, seeds=pilot.seeds) for pilot in self.pilots),
            choice=None,
        )

    def with_pilots(self, pilots: Pilots) -> Cell:
        """Return a pending cell, whose learning rate pilot runs choose.

        The pilot runs validate on images that are taken out of the training images.

        Args:
            pilots: the settings of the pilot runs.
        """
        validation = self.dataset.validation or pilots.validation
        remaining = max(1, self.info.train_images - validation)
        train_images = self.dataset.train_images and min(self.dataset.train_images, remaining)
        dataset = self.dataset.model_copy(update={"validation": validation, "train_images": train_images})
        recipes = [
            self.recipe.model_copy(update={"learning_rate": rate}) for rate in sorted(pilots.learning_rates)
        ]
        cells = (
            replace(self, dataset=dataset, recipe=recipe, seeds=pilots.seeds, is_pilot=True)
            for recipe in recipes
        )
        return replace(self, recipe=recipes[0], pilots=tuple(cells))

    def with_learning_rate(self, errors: Mapping[str, float]) -> Cell:
        """Return the cell with the learning rate that its pilot runs choose.

        If an error is missing, return the cell unchanged.

        Args:
            errors: validation errors by run id; infinite for a run that diverged.
        """
        ids = [[pilot.run(seed).id for seed in range(pilot.seeds)] for pilot in self.pilots]
        if not ids or any(run_id not in errors for rate_ids in ids for run_id in rate_ids):
            return self
        choice = RateChoice(
            rates=tuple(pilot.recipe.learning_rate for pilot in self.pilots),
            errors=tuple(tuple(errors[run_id] for run_id in rate_ids) for rate_ids in ids),
        )
        recipe = self.recipe.model_copy(update={"learning_rate": choice.rate})
        return replace(self, recipe=recipe, choice=choice)


class CellRun(NamedTuple):
    """A run and its cell."""

    cell: Cell
    run: Run


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study that can be run as its file describes it."""

    name: str
    """Name of the study."""
    source: StudySource
    """The YAML file, or the settings."""
    cells: tuple[Cell, ...]
    """Cells in the order of the file."""
    resources: Resources
    """Resources of the machine."""
    store: StoreConfig
    """Content of the store."""
    pruning: PruningConfig | None = None
    """Pruning of the trained networks; None if the file has no such section."""

    def __repr__(self) -> str:
        return f"<Study {self.name}: {len(self.cells)} cells, from {self.source}>"

    def curve_labels(self) -> tuple[str, ...]:
        """Return the label of each cell's curve along the width, such as ``lenet5, 8 epochs``."""
        return assign_curves([cell.settings() for cell in self.cells]).labels

    def with_learning_rates(self, errors: Mapping[str, float]) -> Study:
        """Return the study with the learning rates that its pilot runs choose.

        A cell stays pending if the error of one of its pilot runs is missing.

        Args:
            errors: validation errors by run id; infinite for a run that diverged.
        """
        return replace(self, cells=tuple(cell.with_learning_rate(errors) for cell in self.cells))

    def pilot_runs(self) -> Iterator[CellRun]:
        """Yield each pilot run once, with its cell."""
        return _unique_runs(pilot for cell in self.cells for pilot in cell.pilots)

    def final_runs(self) -> Iterator[CellRun]:
        """Yield each run whose learning rate is known once, with its cell; without pilot runs."""
        return _unique_runs(cell for cell in self.cells if not cell.pending)

    def pending_runs(self) -> Iterator[CellRun]:
        """Yield placeholders, with their cells, for the runs whose learning rate is not chosen yet."""
        return _unique_runs(cell for cell in self.cells if cell.pending)

    def pruned_runs(self) -> Iterator[CellRun]:
        """Yield each pruned network once, with the cell of its retraining; none without ``pruning``."""
        return _unique(run for cell in self.cells if not cell.pending for run in self.pruned_runs_of(cell))

    def pending_pruned_runs(self) -> Iterator[CellRun]:
        """Yield placeholders for pruned networks whose learning rate is not chosen yet."""
        return _unique(run for cell in self.cells if cell.pending for run in self.pruned_runs_of(cell))

    def pruned_runs_of(self, cell: Cell) -> Iterator[CellRun]:
        """Yield the pruned networks of one cell, round by round; none without ``pruning``."""
        parameters = cell.layer_table().parameters
        for pruning in self.pruning.rounds(cell.recipe, parameters) if self.pruning else ():
            retraining = replace(cell, recipe=pruning.recipe, pilots=())
            for seed in range(cell.seeds):
                yield CellRun(retraining, cell.run(seed).model_copy(update={"pruning": pruning}))

    def runs(self) -> Iterator[CellRun]:
        """Yield each run that can be trained now once, with its cell: pilot runs, then all others."""
        pilots = [pilot for cell in self.cells for pilot in cell.pilots]
        return _unique_runs([*pilots, *(cell for cell in self.cells if not cell.pending)])


def _unique_runs(cells: Iterable[Cell]) -> Iterator[CellRun]:
    return _unique(CellRun(cell, cell.run(seed)) for cell in cells for seed in range(cell.seeds))


def _unique(runs: Iterable[CellRun]) -> Iterator[CellRun]:
    seen: set[str] = set()
    for cell_run in runs:
        if cell_run.run.id not in seen:
            seen.add(cell_run.run.id)
            yield cell_run
