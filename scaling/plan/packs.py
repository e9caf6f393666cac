"""Packs: runs of one shape that train together as one fused network."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import groupby

from scaling.architectures import LayerTable
from scaling.config import Cell, CellRun, Run
from scaling.config.identity import ID_DIGITS, SEEDS_PER_ORDER

PACK_SIZE_BY_MACS = ((1_000_000, SEEDS_PER_ORDER), (20_000_000, 4), (80_000_000, 2))
"""Pairs of the largest number of forward MACs of one network and the pack size up to this number.

Wider networks fill the vector units by themselves and need the memory.
"""

PACK_SIZES = (1, *sorted(count for _, count in PACK_SIZE_BY_MACS))
"""All pack sizes, in increasing order."""


def pack_size(layer_table: LayerTable) -> int:
    """Return how many networks of one shape train together.

    The size depends only on the network, so that the bits of a run do not depend on the machine.
    """
    return next((count for macs, count in PACK_SIZE_BY_MACS if layer_table.macs <= macs), 1)


def cell_pack_size(cell: Cell) -> int:
    """Return how many networks of a cell train together.

    It is 1 for an architecture that is fitted in one go and for networks that train themselves.
    """
    network = cell.architecture
    return 1 if network.fit_profile or network.trains_itself else pack_size(cell.layer_table())


@dataclass(frozen=True)
class Pack:
    """Runs that differ only in seed, learning rate and weight decay.

    A pack always trains ``size`` replicas. Replicas without a run are discarded, because the bits of
    a replica can depend on the pack's size.
    """

    cell: Cell
    """Cell of the first run; the learning rates and weight decays of all runs are in ``runs``."""
    runs: tuple[Run, ...]
    """Runs in the order of their positions among the replicas."""
    size: int
    """Number of replicas."""

    def __repr__(self) -> str:
        return f"<Pack of {len(self.runs)} runs: {self.cell!r}>"

    @cached_property
    def key(self) -> str:
        """Hash of the replicas that the pack trains, rather than of the wanted runs.

        Processes that want different runs of the same replicas thus wait for the same claim.
        """
        first = self.runs[0]
        block = first if self.slots[0] == 0 else first.model_copy(update={"seed": first.seed - self.slots[0]})
        others = (run.id for run in self.runs if run.recipe != first.recipe)
        return sha256(" ".join([str(self.size), block.id, *others]).encode()).hexdigest()[:ID_DIGITS]

    @property
    def slots(self) -> list[int]:
        """Position of each run among the replicas: the seed modulo the size, or a pilot run's rank."""
        return [rank if self.cell.is_pilot else run.seed % self.size for rank, run in enumerate(self.runs)]

    @cached_property
    def replicas(self) -> tuple[Run, ...]:
        """Runs that are trained, one for each replica.

        A replica without a run repeats the first run, with the seed of its position.
        """
        first = self.runs[0]
        block = first.seed - first.seed % self.size
        wanted = dict(zip(self.slots, self.runs, strict=True))
        return tuple(
            wanted.get(slot) or first.model_copy(update={"seed": block + slot}) for slot in range(self.size)
        )

    @cached_property
    def layer_table(self) -> LayerTable:
        """Layers of one replica."""
        return self.cell.layer_table()

    def split(self, size: int) -> list[Pack]:
        """Return packs with the runs of this pack and at most ``size`` replicas each.

        The bits of their runs can differ from those of the whole pack.
        """
        if size >= self.size:
            return [self]
        blocks = groupby(zip(self.slots, self.runs, strict=True), lambda slot_run: slot_run[0] // size)
        return [Pack(self.cell, tuple(run for _, run in block), size) for _, block in blocks]

    @property
    def label(self) -> str:
        """Label for messages: network, round of a pruning, seeds, number of learning rates of pilot runs."""
        seeds = sorted({run.seed for run in self.runs})
        span = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]}-{seeds[-1]}"
        rates = f"pilots of {len(self.runs)} learning rates, " if self.cell.is_pilot else ""
        network = f"{self.cell.architecture.title} {self.cell.architecture.filters}"
        return f"{network} {self.pruning_label and self.pruning_label + ', '}{rates}{span}"

    @property
    def pruning_label(self) -> str:
        """Method and size of a round of a pruning; empty for other packs."""
        pruning = self.runs[0].pruning
        return pruning.label if pruning else ""


def make_packs(wanted: Iterable[CellRun]) -> list[Pack]:
    """Group runs into canonical packs, each with one recipe and one aligned block of seeds.

    Runs of different recipes are not mixed, even if replicas remain without a run, so that two studies that
    share runs also share packs. Pilot runs are the exception: a pack has one seed of many learning rates,
    because otherwise each rate would need its own pack.
    """
    runs_by_shape: dict[Hashable, list[CellRun]] = defaultdict(list)
    for wanted_run in wanted:
        cell, run = wanted_run
        replicate: Hashable = (run.recipe, run.pruning)
        if cell.is_pilot:
            replicate = (run.recipe.model_copy(update={"learning_rate": 1.0}), run.seed)
        runs_by_shape[cell.is_pilot, run.data, run.architecture, run.order, replicate].append(wanted_run)
    packs: list[Pack] = []
    for runs in runs_by_shape.values():
        packs += _make_pilot_packs(runs) if runs[0].cell.is_pilot else _make_seed_packs(runs)
    return packs


def _make_seed_packs(runs: Sequence[CellRun]) -> Iterator[Pack]:
    """Yield the packs of runs of one shape, recipe and order."""
    cell = runs[0].cell
    size = cell_pack_size(cell)
    by_seed = sorted((run for _, run in runs), key=lambda run: run.seed)
    for _, block in groupby(by_seed, lambda run: run.seed // size):
        yield Pack(cell, tuple(block), size)


def _make_pilot_packs(runs: Sequence[CellRun]) -> Iterator[Pack]:
    """Yield the packs of pilot runs of one shape and seed, by increasing learning rate."""
    size = cell_pack_size(runs[0].cell)
    by_rate = sorted(runs, key=lambda wanted_run: wanted_run.run.recipe.learning_rate)
    for start in range(0, len(by_rate), size):
        members = by_rate[start : start + size]
        yield Pack(members[0].cell, tuple(run for _, run in members), size)
