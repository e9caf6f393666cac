"""A plan: what a study wants, what is done, and what the rest costs."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from scaling.config import Cell, Run, Study
from scaling.errors import ConfigError
from scaling.plan.batches import batches
from scaling.plan.cost import memory_bytes, seconds
from scaling.plan.packs import Pack, pack

GIB = 2**30


@dataclass(frozen=True)
class Row:
    """The runs of one cell, for a table."""

    cell: Cell
    runs: int
    done: int
    packs: int
    seconds: float
    memory_bytes: int


@dataclass(frozen=True)
class Plan:
    """A study against what stores already hold."""

    study: Study
    wanted: tuple[tuple[Cell, Run], ...]
    done: frozenset[str]
    """Ids of wanted runs that a store has."""
    packs: tuple[Pack, ...]
    """Of the runs that are still to be trained."""

    @property
    def new(self) -> int:
        return len(self.wanted) - len(self.done)

    @property
    def seconds(self) -> float:
        """One core's time for what is left."""
        return sum(map(seconds, self.packs))

    def batches(self, workers: int) -> list[tuple[Pack, ...]]:
        return batches(self.packs, workers=workers)

    def rows(self) -> list[Row]:
        """One a cell, in the order of the file."""
        runs: dict[int, list[Run]] = {}
        for cell, run in self.wanted:
            runs.setdefault(id(cell), []).append(run)
        owners: dict[str, Pack] = {run.id: pack for pack in self.packs for run in pack.runs}
        rows = []
        for cell in self.study.cells:
            mine = runs.get(id(cell), [])
            packs = {owners[run.id].key: owners[run.id] for run in mine if run.id in owners}
            rows.append(
                Row(
                    cell=cell,
                    runs=len(mine),
                    done=sum(run.id in self.done for run in mine),
                    packs=len(packs),
                    seconds=sum(seconds(p) * sum(run.id in owners and owners[run.id] is p for run in mine) / len(p.runs) for p in packs.values()),
                    memory_bytes=max((memory_bytes(p) for p in packs.values()), default=0),
                )
            )
        return rows


def make_plan(study: Study, stored: Set[str]) -> Plan:
    """Wanted runs minus those that stores hold, in packs.

    Raises:
        ConfigError: a network needs more memory than ``resources.memory_gib``, done or not.
    """
    wanted = tuple(study.runs())
    faults = {}
    for cell in study.cells:
        if (fault := _too_large(cell, study)) is not None:
            faults[fault] = None
    if faults:
        raise ConfigError(list(faults), str(study.source))
    done = frozenset(run.id for _, run in wanted) & stored
    return Plan(study, wanted, done, tuple(pack((cell, run) for cell, run in wanted if run.id not in done)))


def _too_large(cell: Cell, study: Study) -> str | None:
    limit = study.resources.memory_gib * GIB

    def needs(filters: int) -> int:
        # Validated anew, so that what follows from the filters (a second layer's, say) follows.
        leaves = cell.architecture.model_dump(exclude={"second_filters"}) | {"filters": filters}
        same = filters == cell.architecture.filters
        architecture = cell.architecture if same else type(cell.architecture).model_validate(leaves)
        resized = Cell(cell.dataset, cell.facts, architecture, cell.recipe, cell.places)
        return memory_bytes(pack([(resized, resized.run(0))])[0])

    need = needs(cell.architecture.filters)
    if need <= limit:
        return None
    fits, large = 0, cell.architecture.filters
    while large - fits > 1:
        middle = (fits + large) // 2
        fits, large = (middle, large) if needs(middle) <= limit else (fits, middle)
    place, filters = cell.places["filters"], cell.architecture.filters
    return f"{place}: {filters} filters need {need / GIB:.3g} GiB for a pack, more than resources.memory_gib: {study.resources.memory_gib:g}; at most {fits} fit"
