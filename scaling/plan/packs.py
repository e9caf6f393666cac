"""Packs: runs of one shape, trained together as one fused network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import groupby, zip_longest

from scaling.architectures import LayerTable
from scaling.config import Cell, Run
from scaling.config.identity import ID_DIGITS, SEEDS_AN_ORDER

FUSES = ((2_500_000, SEEDS_AN_ORDER), (20_000_000, 4), (80_000_000, 2))
"""(forward MACs of one network, replicas): wider networks fill the vector units by themselves and need the memory."""

SIZES = (1, *sorted(count for _, count in FUSES))
"""Of all packs."""


def replicas(layers: LayerTable) -> int:
    """How many networks of this shape train together: a function of the network alone, so that a run's bits don't depend on the machine."""
    return next((count for macs, count in FUSES if layers.macs <= macs), 1)


@dataclass(frozen=True)
class Pack:
    """Runs that differ in seed, learning rate and weight decay alone, each in the slot ``seed mod size``.

    It always trains ``size`` replicas: those in slots without a run are discarded, because the bits of a replica can depend on the size.
    """

    cell: Cell
    """Of its first run; the learning rates and weight decays are in ``runs``."""
    runs: tuple[Run, ...]
    """By slot."""
    size: int

    @cached_property
    def key(self) -> str:
        return sha256("".join(sorted(run.id for run in self.runs)).encode()).hexdigest()[:ID_DIGITS]

    @property
    def slots(self) -> list[int]:
        """Of each run."""
        return [run.seed % self.size for run in self.runs]

    @cached_property
    def replicas(self) -> tuple[Run, ...]:
        """What trains: one run a slot, where an empty slot repeats the first run with the seed that would stand there."""
        first = self.runs[0]
        block = first.seed - first.seed % self.size
        taken = dict(zip(self.slots, self.runs, strict=True))
        return tuple(taken.get(slot) or first.model_copy(update={"seed": block + slot}) for slot in range(self.size))

    @cached_property
    def layers(self) -> LayerTable:
        return self.cell.layers()

    @property
    def label(self) -> str:
        """For people: architecture, filters and seeds."""
        seeds = sorted(run.seed for run in self.runs)
        span = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]}-{seeds[-1]}"
        return f"{self.cell.architecture.type} {self.cell.architecture.filters} {span}"


def pack(wanted: Iterable[tuple[Cell, Run]]) -> list[Pack]:
    """Put runs into canonical packs: a pack is of one aligned block of seeds, and a slot holds one run only."""
    shapes: dict[Hashable, list[tuple[Cell, Run]]] = defaultdict(list)
    for cell, run in wanted:
        recipe = run.recipe.model_copy(update={"learning_rate": 1.0, "weight_decay": 0.0})
        shapes[run.data, run.architecture, recipe, run.order].append((cell, run))
    return [made for members in shapes.values() for made in _packed(members)]


def _packed(members: list[tuple[Cell, Run]]) -> Iterator[Pack]:
    """Packs of one shape and order."""
    size = replicas(members[0][0].layers())
    members.sort(key=lambda member: (member[1].seed, member[1].recipe.learning_rate, member[1].recipe.weight_decay))
    for _, block in groupby(members, lambda member: member[1].seed // size):
        slots = [list(slot) for _, slot in groupby(block, lambda member: member[1].seed)]
        for row in zip_longest(*slots):
            filled = [member for member in row if member is not None]
            yield Pack(filled[0][0], tuple(run for _, run in filled), size)
