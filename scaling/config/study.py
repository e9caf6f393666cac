"""A study: what its YAML file says, checked and spread out into cells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from scaling.architectures import AnyArchitecture, LayerTable
from scaling.config.curves import LEARNING_RATE, curves, point
from scaling.config.identity import SEEDS_PER_ORDER, Data, Run
from scaling.config.pilots import AUTO, Pilots, RateChoice
from scaling.config.recipe import Recipe
from scaling.datasets import AnyDataset, DatasetInfo
from scaling.settings import ConfigModel, PositiveInt

DEFAULT_SEEDS = 8
"""Of a network, where nothing else is said."""


class Resources(ConfigModel):
    """What the machine gives. Nothing here changes an id or a number."""

    workers: PositiveInt | None = None
    """Packs that train at once on this machine; by default one for each core. A cluster uses all of its cores."""
    memory_gib: Annotated[float, Field(gt=0)] | None = None
    """The most that all workers of this machine may hold at once; by default four fifths of its memory."""
    gpus: Annotated[float, Field(ge=0)] = 0.0
    """GPUs a pack asks for; a fraction shares one between packs."""


class StoreConfig(ConfigModel):
    """What the store keeps beside the tables."""

    weights: Literal["none", "all"] = "none"


class Replicates(ConfigModel):
    """How often each network of an architecture is trained."""

    seeds: PositiveInt = DEFAULT_SEEDS
    """Seeds 0 to n-1; each block of eight has a minibatch order of its own."""


class StudyFile(ConfigModel):
    """The keys of a study's YAML file. Any leaf of dataset, architectures and recipe may be a list: a grid."""

    study: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    """A name for its folder of figures."""
    dataset: dict[str, Any]
    architectures: Annotated[list[dict[str, Any]], Field(min_length=1)]
    """Each may hold a ``recipe`` of its own, which is laid over the study's, and a number of ``seeds`` of its own."""
    recipe: dict[str, Any] = Field(default_factory=dict)
    seeds: PositiveInt = DEFAULT_SEEDS
    """Of architectures that do not say it themselves: seeds 0 to n-1; each block of eight has a minibatch order of its own."""
    pilots: Pilots = Pilots()
    """Of networks whose learning rate is ``auto``."""
    resources: Resources = Resources()
    store: StoreConfig = StoreConfig()


@dataclass(frozen=True)
class Cell:
    """One point of a study's grid: all its runs differ in their seed alone.

    While its learning rate is not chosen yet, the one of its recipe only stands there: its runs cost the same, and their ids mean nothing.
    """

    dataset: AnyDataset
    info: DatasetInfo
    architecture: AnyArchitecture
    recipe: Recipe
    setting_paths: dict[str, str]
    """Where the architecture's leaves stand in the file: ``{"filters": "architectures[1].filters[0]"}``."""
    seeds: int = DEFAULT_SEEDS
    """Its runs have the seeds 0 to n-1. No run's id knows how many there are."""
    entry: dict[str, Any] = field(default_factory=dict)
    """What an entry of ``architectures`` says that makes this cell alone, but for its seeds."""
    is_pilot: bool = False
    """Whether its runs are there to choose a learning rate: then those of different rates train together."""
    pilots: tuple[Cell, ...] = ()
    """Those that choose its learning rate, by rising rates; none where its recipe says it."""
    choice: RateChoice | None = None
    """What they chose."""

    def layer_table(self) -> LayerTable:
        return self.architecture.layer_table(self.info.image)

    @property
    def training_flops(self) -> int:
        """Of one run, in all of its epochs."""
        return (
            self.recipe.epochs
            * self.recipe.images_per_epoch(self.dataset.train_size(self.info))
            * self.layer_table().training_flops
        )

    def with_filters(self, filters: int, *, seeds: int = 0) -> Cell:
        """The same at another width, which needs pilots of its own."""
        pilots, entry = (
            tuple(pilot.with_filters(filters, seeds=pilot.seeds) for pilot in self.pilots),
            {**self.entry, "filters": filters},
        )
        return replace(
            self,
            architecture=self.architecture.with_filters(filters),
            seeds=seeds,
            entry=entry,
            pilots=pilots,
            choice=None,
        )

    def with_pilots(self, pilots: Pilots) -> Cell:
        """The same with a learning rate that pilots choose; the images that validate are taken out of those that train."""
        held = self.dataset.validation or pilots.validation
        used = self.dataset.train_images and min(
            self.dataset.train_images, max(1, self.info.train_images - held)
        )
        dataset = self.dataset.model_copy(update={"validation": held, "train_images": used})
        recipes = [
            self.recipe.model_copy(update={"learning_rate": rate}) for rate in sorted(pilots.learning_rates)
        ]
        tries = (
            replace(self, dataset=dataset, recipe=recipe, seeds=pilots.seeds, is_pilot=True)
            for recipe in recipes
        )
        return replace(self, recipe=recipes[0], pilots=tuple(tries))

    def with_learning_rate(self, errors: Mapping[str, float]) -> Cell:
        """The same with the learning rate that its pilots choose, if all of them have an error."""
        ids = [[pilot.run(seed).id for seed in range(pilot.seeds)] for pilot in self.pilots]
        if not ids or any(name not in errors for names in ids for name in names):
            return self
        rates = tuple(pilot.recipe.learning_rate for pilot in self.pilots)
        choice = RateChoice(rates, tuple(tuple(errors[name] for name in names) for names in ids))
        return replace(
            self, recipe=self.recipe.model_copy(update={"learning_rate": choice.rate}), choice=choice
        )

    @property
    def pending(self) -> bool:
        """Whether its learning rate is not chosen yet."""
        return bool(self.pilots) and self.choice is None

    @cached_property
    def data(self) -> Data:
        used = self.dataset.train_size(self.info)
        return Data(
            type=self.dataset.type,
            fingerprint=self.info.fingerprint,
            train_images=used if used < self.info.train_images - self.dataset.validation else None,
            validation=self.dataset.validation,
        )

    def run(self, seed: int) -> Run:
        return Run(
            data=self.data,
            architecture=self.architecture,
            recipe=self.recipe,
            seed=seed,
            order=seed // SEEDS_PER_ORDER,
        )


@dataclass(frozen=True)
class Study:
    """A study that can be run as written."""

    name: str
    source: Path
    cells: tuple[Cell, ...]
    resources: Resources
    store: StoreConfig

    def curve_labels(self) -> tuple[str, ...]:
        """Of each cell: its architecture, and the leaves that set it apart from cells of the same width."""
        points = (point(cell.run(0), cell.dataset.train_size(cell.info)) for cell in self.cells)
        chosen = ({LEARNING_RATE: AUTO} if cell.pilots else {} for cell in self.cells)
        return curves([leaves | mine for leaves, mine in zip(points, chosen, strict=True)]).labels

    def with_learning_rates(self, errors: Mapping[str, float]) -> Study:
        """With the learning rates that pilots choose; where one of a cell's has no error yet, it goes on awaiting them.

        Args:
            errors: validation errors by the ids of runs; infinite for one that diverged.
        """
        return replace(self, cells=tuple(cell.with_learning_rate(errors) for cell in self.cells))

    def pilot_runs(self) -> Iterator[tuple[Cell, Run]]:
        """Every run once that chooses a learning rate."""
        return _once(pilot for cell in self.cells for pilot in cell.pilots)

    def final_runs(self) -> Iterator[tuple[Cell, Run]]:
        """Every run once that the study is about, as far as its learning rate is known; cells that overlap share their runs."""
        return _once(cell for cell in self.cells if not cell.pending)

    def pending_runs(self) -> Iterator[tuple[Cell, Run]]:
        """Runs in the place of those whose learning rate is not known yet; they cost the same."""
        return _once(cell for cell in self.cells if cell.pending)

    def runs(self) -> Iterator[tuple[Cell, Run]]:
        """Every wanted run once, with its cell; one that is both counts as a pilot."""
        return _once(
            [
                *(pilot for cell in self.cells for pilot in cell.pilots),
                *(cell for cell in self.cells if not cell.pending),
            ]
        )


def _once(cells: Iterable[Cell]) -> Iterator[tuple[Cell, Run]]:
    seen: set[str] = set()
    for cell in cells:
        for seed in range(cell.seeds):
            run = cell.run(seed)
            if run.id not in seen:
                seen.add(run.id)
                yield cell, run
