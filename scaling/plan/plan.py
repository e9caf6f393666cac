"""A plan: what a study wants, what is done, and what the rest costs."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cached_property
from math import fsum

from scaling.config import Cell, Run, Study
from scaling.errors import ConfigError
from scaling.plan.memory import GIB, WORKER_BYTES, max_filters, memory_bytes
from scaling.plan.packs import Pack, make_packs
from scaling.plan.schedule import SweepSchedule, make_schedule, memory_limit
from scaling.plan.speed import Speed
from scaling.plan.speed_file import load_speed
from scaling.plan.time_estimate import pack_seconds


@dataclass(frozen=True)
class PlanRow:
    """The runs of one cell, for a table; or all pilots that choose its learning rate."""

    cells: tuple[Cell, ...]
    """The cell alone, or its pilots by their learning rates."""
    label: str
    """Architecture, and the leaves in which cells of one width differ."""
    runs: int
    done: int
    packs: int
    seconds: float
    """Of one core, for what is left."""
    memory_bytes: int
    """That a worker needs for a pack, besides itself."""

    @property
    def cell(self) -> Cell:
        return self.cells[0]

    @property
    def rates(self) -> tuple[float, ...]:
        """Learning rates of its runs; none where it is still to be chosen."""
        return () if self.cell.pending else tuple(cell.recipe.learning_rate for cell in self.cells)

    @property
    def warning(self) -> str:
        """Why to look at the learning rate that was chosen; empty where there is nothing."""
        return self.cell.choice.warning if self.cell.choice else ""


@dataclass(frozen=True)
class Plan:
    """A study against what stores already hold."""

    study: Study
    wanted: tuple[tuple[Cell, Run], ...]
    """Pilots among them; without the runs that await theirs."""
    done: frozenset[str]
    """Ids of wanted runs that a store has."""
    packs: tuple[Pack, ...]
    """Of the runs that are still to be trained."""
    pending_packs: tuple[Pack, ...]
    """Stand-ins for those of the runs that await their pilots: they cost the same, and their ids mean nothing."""
    speed: Speed
    """Of this machine; all times are estimates from it."""

    @property
    def new(self) -> int:
        return len(self.wanted) - len(self.done)

    @property
    def pending(self) -> int:
        """Runs whose learning rate is chosen when their pilots are done."""
        return sum(len(pack.runs) for pack in self.pending_packs)

    @property
    def final_ids(self) -> frozenset[str]:
        """Ids of what the study is about: a pilot is among them only where its data are the study's own."""
        return frozenset(run.id for _, run in self.study.final_runs())

    @property
    def seconds(self) -> float:
        """One core's time for what is left."""
        return fsum(pack_seconds(pack, self.speed) for pack in (*self.packs, *self.pending_packs))

    @cached_property
    def schedule(self) -> SweepSchedule:
        """What is left, on this machine."""
        now, then = (
            make_schedule(packs, self.study.resources, self.speed)
            for packs in (self.packs, self.pending_packs)
        )
        return now.followed_by(then)

    def rows(self) -> list[PlanRow]:
        """One a cell, in the order of the file; before it one of its pilots, if it has any."""
        runs: dict[str, list[Run]] = {}
        for cell, run in (*self.wanted, *self.study.pending_runs()):
            runs.setdefault(cell.key, []).append(run)
        owners, pending_packs = (
            {run.id: pack for pack in packs for run in pack.runs}
            for packs in (self.packs, self.pending_packs)
        )
        rows = []
        for cells, label in self._lines():
            mine = [run for cell in cells for run in runs.get(cell.key, [])]
            owner, done = (pending_packs, frozenset[str]()) if cells[0].pending else (owners, self.done)
            packs = [owner[run.id] for run in mine if run.id in owner]
            rows.append(
                PlanRow(
                    cells=cells,
                    label=label,
                    runs=len(mine),
                    done=sum(run.id in done for run in mine),
                    packs=len({pack.key for pack in packs}),
                    seconds=fsum(pack_seconds(pack, self.speed) / len(pack.runs) for pack in packs),
                    memory_bytes=memory_bytes(cells[0]),
                )
            )
        return rows

    def _lines(self) -> Iterator[tuple[tuple[Cell, ...], str]]:
        for cell, label in zip(self.study.cells, self.study.curve_labels(), strict=True):
            if cell.pilots:
                yield cell.pilots, label
            yield (cell,), label


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
    missing = {cell.key: cell for cell, run in wanted if run.id not in done} if trains else {}
    problems = [problem for cell in missing.values() if (problem := _too_large(cell, study)) is not None]
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)), str(study.source))
    packs = make_packs((cell, run) for cell, run in wanted if run.id not in done)
    return Plan(
        study, wanted, done, tuple(packs), tuple(make_packs(study.pending_runs())), speed or load_speed()
    )


def _too_large(cell: Cell, study: Study) -> str | None:
    need, limit, filters = (
        WORKER_BYTES + memory_bytes(cell),
        memory_limit(study.resources),
        cell.architecture.filters,
    )
    if need <= limit:
        return None
    most = max_filters(cell, limit - WORKER_BYTES)
    way_out = (
        f"at most {most} fit"
        if most
        else "not even 1 fits, so make the rest of the network or recipe.batch_size smaller"
    )
    allowed = f"resources.memory_gib: {limit / GIB:.3g}" + (
        ", its default on this machine" if study.resources.memory_gib is None else ""
    )
    return f"{cell.setting_paths['filters']}: {filters} filters need {need / GIB:.3g} GiB for a pack and its worker, more than {allowed}; {way_out}"
