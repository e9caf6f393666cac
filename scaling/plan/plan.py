"""A plan: what a study wants, what is done, and what the rest costs."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from functools import cached_property
from math import fsum

from scaling.config import Cell, Run, Study
from scaling.errors import ConfigError
from scaling.plan.cost import seconds
from scaling.plan.memory import GIB, WORKER, memory_bytes, most_filters
from scaling.plan.packs import Pack, pack
from scaling.plan.placement import Placement, memory_limit, place
from scaling.plan.speed import Speed
from scaling.plan.speeds import known


@dataclass(frozen=True)
class Row:
    """The runs of one cell, for a table."""

    cell: Cell
    label: str
    """Architecture, and the leaves in which cells of one width differ."""
    runs: int
    done: int
    packs: int
    seconds: float
    """Of one core, for what is left."""
    memory_bytes: int
    """That a worker needs for a pack, besides itself."""


@dataclass(frozen=True)
class Plan:
    """A study against what stores already hold."""

    study: Study
    wanted: tuple[tuple[Cell, Run], ...]
    done: frozenset[str]
    """Ids of wanted runs that a store has."""
    packs: tuple[Pack, ...]
    """Of the runs that are still to be trained."""
    speed: Speed
    """Of this machine; all times are estimates from it."""

    @property
    def new(self) -> int:
        return len(self.wanted) - len(self.done)

    @property
    def seconds(self) -> float:
        """One core's time for what is left."""
        return fsum(seconds(pack, self.speed) for pack in self.packs)

    @cached_property
    def placement(self) -> Placement:
        """What is left, on this machine."""
        return place(self.packs, self.study.resources, self.speed)

    def rows(self) -> list[Row]:
        """One a cell, in the order of the file."""
        runs: dict[int, list[Run]] = {}
        for cell, run in self.wanted:
            runs.setdefault(id(cell), []).append(run)
        owners = {run.id: pack for pack in self.packs for run in pack.runs}
        rows = []
        for cell, label in zip(self.study.cells, self.study.labels(), strict=True):
            mine = runs.get(id(cell), [])
            packs = [owners[run.id] for run in mine if run.id in owners]
            rows.append(
                Row(
                    cell=cell,
                    label=label,
                    runs=len(mine),
                    done=sum(run.id in self.done for run in mine),
                    packs=len({pack.key for pack in packs}),
                    seconds=fsum(seconds(pack, self.speed) / len(pack.runs) for pack in packs),
                    memory_bytes=memory_bytes(cell),
                )
            )
        return rows


def make_plan(study: Study, stored: Set[str], speed: Speed | None = None, *, trains: bool = True) -> Plan:
    """Wanted runs minus those that stores hold, in packs.

    Args:
        speed: of the machine that trains; by default this one's.
        trains: whether what is missing is to be trained here, so that there must be memory for it.

    Raises:
        ConfigError: a network that is to be trained needs more memory than ``resources.memory_gib``.
        UsageError: this machine's speed was measured, and its file is damaged.
    """
    wanted = tuple(study.runs())
    done = frozenset(run.id for _, run in wanted) & stored
    missing = {id(cell): cell for cell, run in wanted if run.id not in done} if trains else {}
    faults = [fault for cell in missing.values() if (fault := _too_large(cell, study)) is not None]
    if faults:
        raise ConfigError(list(dict.fromkeys(faults)), str(study.source))
    packs = pack((cell, run) for cell, run in wanted if run.id not in done)
    return Plan(study, wanted, done, tuple(packs), speed or known())


def _too_large(cell: Cell, study: Study) -> str | None:
    need, limit, filters = WORKER + memory_bytes(cell), memory_limit(study.resources), cell.architecture.filters
    if need <= limit:
        return None
    most = most_filters(cell, limit - WORKER)
    way_out = f"at most {most} fit" if most else "not even 1 fits, so make the rest of the network or recipe.batch_size smaller"
    allowed = f"resources.memory_gib: {limit / GIB:.3g}" + (", its default on this machine" if study.resources.memory_gib is None else "")
    return f"{cell.places['filters']}: {filters} filters need {need / GIB:.3g} GiB for a pack and its worker, more than {allowed}; {way_out}"
