"""Packs: runs of one shape, trained together as one fused network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import groupby

from scaling.architectures import LayerTable
from scaling.config import Cell, Run
from scaling.config.identity import ID_DIGITS, SEEDS_PER_ORDER

PACK_SIZE_BY_MACS = ((1_000_000, SEEDS_PER_ORDER), (20_000_000, 4), (80_000_000, 2))
"""(forward MACs of one network, replicas): wider networks fill the vector units by themselves and need the memory."""

PACK_SIZES = (1, *sorted(count for _, count in PACK_SIZE_BY_MACS))
"""Of all packs."""


def pack_size(layers: LayerTable) -> int:
    """How many networks of this shape train together: a function of the network alone, so that a run's bits don't depend on the machine."""
    return next((count for macs, count in PACK_SIZE_BY_MACS if layers.macs <= macs), 1)


@dataclass(frozen=True)
class Pack:
    """Runs that differ in seed, learning rate and weight decay alone, each in the slot ``seed mod size``; pilots by their learning rates.

    It always trains ``size`` replicas: those in slots without a run are discarded, because the bits of a replica can depend on the size.
    """

    cell: Cell
    """Of its first run; the learning rates and weight decays are in ``runs``."""
    runs: tuple[Run, ...]
    """By slot."""
    size: int

    @cached_property
    def key(self) -> str:
        """Names what trains, not what of it is wanted: whoever wants some of the same networks waits for the same claim."""
        first = self.runs[0]
        block = first if self.slots[0] == 0 else first.model_copy(update={"seed": first.seed - self.slots[0]})
        others = (run.id for run in self.runs if run.recipe != first.recipe)
        return sha256(" ".join([str(self.size), block.id, *others]).encode()).hexdigest()[:ID_DIGITS]

    @property
    def slots(self) -> list[int]:
        """Of each run."""
        return [place if self.cell.is_pilot else run.seed % self.size for place, run in enumerate(self.runs)]

    @cached_property
    def replicas(self) -> tuple[Run, ...]:
        """What trains: one run a slot, where an empty slot repeats the first run with the seed that would stand there."""
        first = self.runs[0]
        block = first.seed - first.seed % self.size
        taken = dict(zip(self.slots, self.runs, strict=True))
        return tuple(
            taken.get(slot) or first.model_copy(update={"seed": block + slot}) for slot in range(self.size)
        )

    @cached_property
    def layer_table(self) -> LayerTable:
        return self.cell.layer_table()

    @property
    def label(self) -> str:
        """For people: architecture, filters and seeds, and of pilots how many learning rates."""
        seeds = sorted({run.seed for run in self.runs})
        span = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]}-{seeds[-1]}"
        rates = f"pilots of {len(self.runs)} learning rates, " if self.cell.is_pilot else ""
        return f"{self.cell.architecture.type} {self.cell.architecture.filters} {rates}{span}"


def make_packs(wanted: Iterable[tuple[Cell, Run]]) -> list[Pack]:
    """Put runs into canonical packs, each of one recipe and one aligned block of seeds.

    Rates are not mixed, even where seeds leave room: then two studies that want some of the same runs have the same pack for them.
    Pilots are the exception: each has one seed of many learning rates, which would else be a pack apiece.
    """
    shapes: dict[Hashable, list[tuple[Cell, Run]]] = defaultdict(list)
    for cell, run in wanted:
        replicate = (
            (run.recipe.model_copy(update={"learning_rate": 1.0}), run.seed) if cell.is_pilot else run.recipe
        )
        shapes[cell.is_pilot, run.data, run.architecture, run.order, replicate].append((cell, run))
    return [
        made
        for members in shapes.values()
        for made in (_pilots if members[0][0].is_pilot else _packed)(members)
    ]


def _packed(members: list[tuple[Cell, Run]]) -> Iterator[Pack]:
    """Packs of one shape, recipe and order."""
    cell = members[0][0]
    size = pack_size(cell.layer_table())
    runs = sorted((run for _, run in members), key=lambda run: run.seed)
    for _, block in groupby(runs, lambda run: run.seed // size):
        yield Pack(cell, tuple(block), size)


def _pilots(members: list[tuple[Cell, Run]]) -> Iterator[Pack]:
    """Packs of one shape and one seed, by rising learning rate."""
    size = pack_size(members[0][0].layer_table())
    rising = sorted(members, key=lambda member: member[1].recipe.learning_rate)
    for start in range(0, len(rising), size):
        few = rising[start : start + size]
        yield Pack(few[0][0], tuple(run for _, run in few), size)
