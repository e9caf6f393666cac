"""A plan: what a study wants, what is done, and what the rest costs."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from math import fsum

from scaling.config import Cell, Run, Study
from scaling.errors import ConfigError
from scaling.plan.cost import seconds
from scaling.plan.memory import GIB, memory_bytes, most_filters
from scaling.plan.packs import Pack, pack


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
        return fsum(map(seconds, self.packs))

    def rows(self) -> list[Row]:
        """One a cell, in the order of the file."""
        runs: dict[int, list[Run]] = {}
        for cell, run in self.wanted:
            runs.setdefault(id(cell), []).append(run)
        owners = {run.id: pack for pack in self.packs for run in pack.runs}
        rows = []
        for cell in self.study.cells:
            mine = runs.get(id(cell), [])
            packs = [owners[run.id] for run in mine if run.id in owners]
            rows.append(
                Row(
                    cell=cell,
                    runs=len(mine),
                    done=sum(run.id in self.done for run in mine),
                    packs=len({pack.key for pack in packs}),
                    seconds=fsum(seconds(pack) / len(pack.runs) for pack in packs),
                    memory_bytes=memory_bytes(cell),
                )
            )
        return rows


def make_plan(study: Study, stored: Set[str]) -> Plan:
    """Wanted runs minus those that stores hold, in packs.

    Raises:
        ConfigError: a network needs more memory than ``resources.memory_gib``, done or not.
    """
    faults = [fault for cell in study.cells if (fault := _too_large(cell, study.resources.memory_gib)) is not None]
    if faults:
        raise ConfigError(list(dict.fromkeys(faults)), str(study.source))
    wanted = tuple(study.runs())
    done = frozenset(run.id for _, run in wanted) & stored
    return Plan(study, wanted, done, tuple(pack((cell, run) for cell, run in wanted if run.id not in done)))


def _too_large(cell: Cell, limit_gib: float) -> str | None:
    need, filters = memory_bytes(cell), cell.architecture.filters
    if need <= limit_gib * GIB:
        return None
    most = most_filters(cell, limit_gib * GIB)
    way_out = f"at most {most} fit" if most else "not even 1 fits, so make the rest of the network or recipe.batch_size smaller"
    place, allowed = cell.places["filters"], f"resources.memory_gib: {limit_gib:g}"
    return f"{place}: {filters} filters need {need / GIB:.3g} GiB for a pack, more than {allowed}; {way_out}"
