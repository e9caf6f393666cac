"""Plan of a study: wanted runs, finished runs, and the cost of the rest."""

from __future__ import annotations

from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cached_property
from math import fsum

from scaling.config import Cell, CellRun, Run, Study
from scaling.config.labels import network_label
from scaling.datasets import DatasetInfo
from scaling.durations import format_duration
from scaling.errors import ConfigError
from scaling.html_table import html_table
from scaling.plan.free_seeds import FreeSeeds, find_free_seeds
from scaling.plan.memory import GIB, WORKER_BYTES, max_filters, memory_bytes
from scaling.plan.packs import Pack, make_packs
from scaling.plan.pruning import PruningPlan, make_pruning_plan
from scaling.plan.speed import Speed
from scaling.plan.speed_file import load_speed
from scaling.plan.sweep_schedule import SweepSchedule, make_schedule, memory_limit
from scaling.plan.time_estimate import pack_seconds


@dataclass(frozen=True, kw_only=True)
class PlanRow:
    """Row of a table of a plan: the runs of one cell, or all pilot runs that choose its learning rate."""

    cells: tuple[Cell, ...]
    """The cell alone, or the cells of its pilot runs by increasing learning rate."""
    label: str
    """Label of the curve: architecture, and the settings in which cells of one width differ."""
    runs: int
    """Number of wanted runs."""
    done: int
    """Number of finished runs."""
    packs: int
    """Number of packs that are left."""
    core_s: float
    """Estimated time of one core for what is left, in seconds."""
    memory_bytes: int
    """Memory that a worker needs for a pack, in addition to its own."""

    @property
    def cell(self) -> Cell:
        """First cell of the row."""
        return self.cells[0]

    @property
    def network_label(self) -> str:
        """Label of the curve with the width, if the architecture has several widths."""
        network = self.cell.architecture
        return network_label(self.label, network.filters, architecture=network.type)

    @property
    def learning_rates(self) -> tuple[float, ...]:
        """Learning rates of the runs; empty if the learning rate is not chosen yet."""
        return () if self.cell.pending else tuple(cell.recipe.learning_rate for cell in self.cells)

    @property
    def warning(self) -> str:
        """Reason to doubt the chosen learning rate; empty if there is none."""
        return self.cell.choice.warning if self.cell.choice else ""


@dataclass(frozen=True, kw_only=True)
class OtherContent:
    """Runs that differ from missing runs of a study in the content of the user's own data set only."""

    title: str
    """Name of the data set, which both contents have."""
    fingerprint: str
    """Fingerprint of the other content."""
    runs: int
    """Number of stored runs."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Wanted runs of a study, minus the runs that stores hold already."""

    study: Study
    wanted: tuple[CellRun, ...]
    """Wanted runs with their cells: pilot runs, and all runs whose learning rate is known."""
    done: frozenset[str]
    """Ids of wanted runs that a store has."""
    packs: tuple[Pack, ...]
    """Packs of the wanted runs that are still to be trained."""
    pending_packs: tuple[Pack, ...]
    """Stand-ins for the packs of runs whose learning rate is not chosen yet.

    Their cost is right, and their ids have no meaning.
    """
    speed: Speed
    """Speed of this machine, from which all times are estimated."""
    other_contents: tuple[OtherContent, ...] = ()
    """Stored runs of this study on other contents of the user's own data sets."""
    pruning: PruningPlan | None = None
    """Pruning of the networks; None for a study without pruning. All other fields leave it out."""

    def __repr__(self) -> str:
        packs = len(self.packs) + len(self.pending_packs)
        time = format_duration(self.core_s)
        return f"<Plan of {self.study.name}: {self._counts}; {packs} packs, about {time} of core time>"

    def _repr_html_(self) -> str:
        """Return the rows as a table for notebooks."""
        rows = [
            (
                row.network_label,
                row.runs,
                row.done,
                row.packs,
                format_duration(row.core_s),
                f"{row.memory_bytes / GIB:.2f} GiB",
            )
            for row in self.rows()
        ]
        caption = f"{self.study.name}: {self._counts}; about {format_duration(self.core_s)} of core time"
        columns = ("network", "runs", "done", "packs left", "core time left", "memory")
        return html_table(columns, rows, caption=caption)

    @property
    def _counts(self) -> str:
        waiting = f", {self.pending} wait for their pilot runs" if self.pending else ""
        return f"{len(self.done)} of {len(self.wanted)} runs done{waiting}"

    @property
    def new(self) -> int:
        """Number of wanted runs that are still to be trained."""
        return len(self.wanted) - len(self.done)

    @property
    def pending(self) -> int:
        """Number of runs whose learning rate is not chosen yet."""
        return sum(len(pack.runs) for pack in self.pending_packs)

    @property
    def final_ids(self) -> frozenset[str]:
        """Ids of the runs that the study is about.

        A pilot run is included only if it is a run of the study as well.
        """
        return frozenset(run.id for _, run in self.study.final_runs())

    @property
    def dataset_infos(self) -> tuple[DatasetInfo, ...]:
        """Descriptions of the study's data sets, each once, in the order of the file."""
        return tuple(dict.fromkeys(cell.info for cell in self.study.cells))

    @property
    def training_notes(self) -> tuple[str, ...]:
        """Sentences on how the replicas of users' own networks train, each once."""
        notes = (cell.architecture.training_note(cell.info.image) for cell in self.study.cells)
        return tuple(dict.fromkeys(filter(None, notes)))

    @property
    def core_s(self) -> float:
        """Estimated time of one core for what is left, in seconds."""
        return fsum(pack_seconds(pack, self.speed) for pack in (*self.packs, *self.pending_packs))

    @property
    def free_seeds(self) -> list[FreeSeeds]:
        """Seeds that would cost nothing, because the remaining packs train whole blocks of seeds."""
        return find_free_seeds((*self.packs, *self.pending_packs))

    @cached_property
    def schedule(self) -> SweepSchedule:
        """Schedule of the remaining packs on this machine."""
        first, then = (
            make_schedule(packs, self.study.resources, speed=self.speed)
            for packs in (self.packs, self.pending_packs)
        )
        return first.followed_by(then)

    def rows(self) -> list[PlanRow]:
        """Return one row a cell in the order of the file, preceded by a row of its pilot runs."""
        runs: dict[str, list[Run]] = {}
        for cell, run in (*self.wanted, *self.study.pending_runs()):
            runs.setdefault(cell.key, []).append(run)
        packs, pending_packs = (
            {run.id: pack for pack in packs for run in pack.runs}
            for packs in (self.packs, self.pending_packs)
        )
        return [
            self._row(
                cells,
                label,
                runs=[run for cell in cells for run in runs.get(cell.key, [])],
                pack_of_run=pending_packs if cells[0].pending else packs,
            )
            for cells, label in self._labelled_cells()
        ]

    def _row(
        self, cells: tuple[Cell, ...], label: str, *, runs: list[Run], pack_of_run: dict[str, Pack]
    ) -> PlanRow:
        packs = [pack_of_run[run.id] for run in runs if run.id in pack_of_run]
        return PlanRow(
            cells=cells,
            label=label,
            runs=len(runs),
            done=0 if cells[0].pending else sum(run.id in self.done for run in runs),
            packs=len({pack.key for pack in packs}),
            # A pack that several rows share is divided by its runs.
            core_s=fsum(pack_seconds(pack, self.speed) / len(pack.runs) for pack in packs),
            memory_bytes=memory_bytes(cells[0]),
        )

    def _labelled_cells(self) -> Iterator[tuple[tuple[Cell, ...], str]]:
        for cell, label in zip(self.study.cells, self.study.curve_labels(), strict=True):
            if cell.pilots:
                yield cell.pilots, label
            yield (cell,), label


def make_plan(study: Study, stored: Set[str], *, speed: Speed | None = None, trains: bool = True) -> Plan:
    """Plan a study.

    Args:
        study: study with the learning rates that its pilot runs chose so far.
        stored: ids of all stored runs.
        speed: speed of the machine that trains; by default of this machine.
        trains: True if the missing runs are to be trained on this machine; then memory for them is required.

    Raises:
        ConfigError: a network that is to be trained needs more memory than ``resources.memory_gib``, or code
            that is not here.
        UsageError: the file of this machine's measured speed is damaged.
    """
    wanted = tuple(study.runs())
    done = frozenset(run.id for _, run in wanted) & stored
    missing = [wanted_run for wanted_run in wanted if wanted_run.run.id not in done]
    if trains:
        cells = list({cell.key: cell for cell, _ in missing}.values())
        _check_code(study, cells)
        _check_memory(study, cells)
    speed = speed or load_speed()
    return Plan(
        study=study,
        wanted=wanted,
        done=done,
        packs=tuple(make_packs(missing)),
        pending_packs=tuple(make_packs(study.pending_runs())),
        speed=speed,
        pruning=make_pruning_plan(study, stored, speed=speed) if study.pruning else None,
    )


def _check_code(study: Study, cells: list[Cell]) -> None:
    problems = {
        cell.setting_paths["module"]: cell.architecture.missing_code
        for cell in cells
        if cell.architecture.missing_code
    }
    if problems:
        texts = [f"{path}: missing runs need {code}, which is not here" for path, code in problems.items()]
        raise ConfigError(texts, str(study.source))


def _check_memory(study: Study, cells: list[Cell]) -> None:
    limit = memory_limit(study.resources)
    problems = [
        _memory_problem(cell, study, limit) for cell in cells if WORKER_BYTES + memory_bytes(cell) > limit
    ]
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)), str(study.source))


def _memory_problem(cell: Cell, study: Study, limit: float) -> str:
    fitting = max_filters(cell, limit - WORKER_BYTES)
    if cell.architecture.fit_profile:
        hint = "use fewer dataset.train_images"
    elif fitting:
        hint = f"at most {fitting} fit"
    else:
        hint = "not even 1 fits, so make the rest of the network or recipe.batch_size smaller"
    default = ", its default on this machine" if study.resources.memory_gib is None else ""
    filters = cell.architecture.filters
    needed = "1 filter needs" if filters == 1 else f"{filters} filters need"
    network = (
        f"{cell.setting_paths['type']}: {cell.architecture.type} needs"
        if cell.architecture.fit_profile
        else f"{cell.setting_paths['filters']}: {needed}"
    )
    return (
        f"{network}"
        f" {(WORKER_BYTES + memory_bytes(cell)) / GIB:.3g} GiB for a pack and its worker, more than"
        f" resources.memory_gib: {limit / GIB:.3g}{default}; {hint}"
    )
