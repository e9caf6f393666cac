"""A study: what its YAML file says, checked and spread out into cells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from scaling.architectures import AnyArchitecture, LayerTable
from scaling.config.curves import curves, point
from scaling.config.identity import SEEDS_AN_ORDER, Data, Run
from scaling.config.recipe import Recipe
from scaling.datasets import AnyDataset, Facts
from scaling.leaves import Count, Leaves

SEEDS = 8
"""Of a network, where nothing else is said."""


class Resources(Leaves):
    """What the machine gives. Nothing here changes an id or a number."""

    workers: Count | None = None
    """Packs that train at once on this machine; by default one for each core. A cluster uses all of its cores."""
    memory_gib: Annotated[float, Field(gt=0)] | None = None
    """The most that all workers of this machine may hold at once; by default four fifths of its memory."""
    gpus: Annotated[float, Field(ge=0)] = 0.0
    """GPUs a pack asks for; a fraction shares one between packs."""


class Keep(Leaves):
    """What the store keeps beside the tables."""

    weights: Literal["none", "all"] = "none"


class Replicates(Leaves):
    """How often each network of an architecture is trained."""

    seeds: Count = SEEDS
    """Seeds 0 to n-1; each block of eight has a minibatch order of its own."""


class StudyFile(Leaves):
    """The keys of a study's YAML file. Any leaf of dataset, architectures and recipe may be a list: a grid."""

    study: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    """A name for its folder of figures."""
    dataset: dict[str, Any]
    architectures: Annotated[list[dict[str, Any]], Field(min_length=1)]
    """Each may hold a ``recipe`` of its own, which is laid over the study's, and a number of ``seeds`` of its own."""
    recipe: dict[str, Any] = Field(default_factory=dict)
    seeds: Count = SEEDS
    """Of architectures that do not say it themselves: seeds 0 to n-1; each block of eight has a minibatch order of its own."""
    resources: Resources = Resources()
    store: Keep = Keep()


@dataclass(frozen=True)
class Cell:
    """One point of a study's grid: all its runs differ in their seed alone."""

    dataset: AnyDataset
    facts: Facts
    architecture: AnyArchitecture
    recipe: Recipe
    places: dict[str, str]
    """Where the architecture's leaves stand in the file: ``{"filters": "architectures[1].filters[0]"}``."""
    seeds: int = SEEDS
    """Its runs have the seeds 0 to n-1. No run's id knows how many there are."""
    entry: dict[str, Any] = field(default_factory=dict)
    """What an entry of ``architectures`` says that makes this cell alone, but for its seeds."""
    pilot: bool = False
    """Whether its runs are there to choose a learning rate: then those of different rates train together."""

    def layers(self) -> LayerTable:
        return self.architecture.layers(self.facts.image)

    @property
    def training_flops(self) -> int:
        """Of one run, in all of its epochs."""
        return self.recipe.epochs * self.recipe.seen(self.dataset.used(self.facts)) * self.layers().training_flops

    def at(self, filters: int, *, seeds: int = 0) -> Cell:
        """The same at another width."""
        return replace(self, architecture=self.architecture.at(filters), seeds=seeds, entry={**self.entry, "filters": filters})

    @cached_property
    def data(self) -> Data:
        used = self.dataset.used(self.facts)
        return Data(
            type=self.dataset.type,
            fingerprint=self.facts.fingerprint,
            train_images=used if used < self.facts.train_images - self.dataset.validation else None,
            validation=self.dataset.validation,
        )

    def run(self, seed: int) -> Run:
        return Run(data=self.data, architecture=self.architecture, recipe=self.recipe, seed=seed, order=seed // SEEDS_AN_ORDER)


@dataclass(frozen=True)
class Study:
    """A study that can be run as written."""

    name: str
    source: Path
    cells: tuple[Cell, ...]
    resources: Resources
    store: Keep

    def labels(self) -> tuple[str, ...]:
        """Of each cell: its architecture, and the leaves that set it apart from cells of the same width."""
        return curves([point(cell.run(0), cell.dataset.used(cell.facts)) for cell in self.cells]).labels

    def runs(self) -> Iterator[tuple[Cell, Run]]:
        """Every wanted run once, with its cell; cells that overlap share their runs."""
        seen: set[str] = set()
        for cell in self.cells:
            for seed in range(cell.seeds):
                run = cell.run(seed)
                if run.id not in seen:
                    seen.add(run.id)
                    yield cell, run
