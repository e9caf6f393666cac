"""Packs: runs of one shape, trained together as one fused network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256

from scaling.architectures import LayerTable
from scaling.config import Cell, Run
from scaling.config.identity import ID_DIGITS, SEEDS_AN_ORDER

LARGEST = SEEDS_AN_ORDER
"""Replicas of a pack, at most: those that share an order."""

FUSES = ((2_500_000, 8), (20_000_000, 4), (80_000_000, 2))
"""(forward MACs of one network, replicas): wider networks fill the vector units by themselves and need the memory."""


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
        return tuple(taken.get(slot) or Run(**{**dict(first), "seed": block + slot}) for slot in range(self.size))

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
    """Put runs into canonical packs: each aligned block of seeds is one, and a slot holds one run only."""
    shapes: dict[Hashable, list[tuple[Cell, Run]]] = defaultdict(list)
    for cell, run in wanted:
        recipe = run.recipe.model_copy(update={"learning_rate": 1.0, "weight_decay": 0.0})
        shapes[run.data, run.architecture, recipe, run.order].append((cell, run))
    packs = []
    for members in shapes.values():
        size = replicas(members[0][0].layers())
        members.sort(key=lambda member: (member[1].seed // size, member[1].recipe.learning_rate, member[1].recipe.weight_decay))
        filled: list[dict[int, tuple[Cell, Run]]] = []
        depth = [0] * size
        for cell, run in members:
            slot = run.seed % size
            if depth[slot] == len(filled):
                filled.append({})
            filled[depth[slot]][slot] = (cell, run)
            depth[slot] += 1
        packs += [Pack(next(iter(slots.values()))[0], tuple(slots[slot][1] for slot in sorted(slots)), size) for slots in filled]
    return packs
