"""Running a study: what is missing is trained, what is finished is never lost.

Pilots come first. What they choose is looked up in the store, as by every other command, so an interruption loses no choice.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from rich.console import Console

from scaling.api._plan import plan
from scaling.api._workspace import Workspace
from scaling.datasets import Dataset
from scaling.errors import UsageError
from scaling.plan import Pack, Plan
from scaling.store import check_writable, open_store

if TYPE_CHECKING:
    from scaling.sweep.executor import Executor, PackEvent


@dataclass(frozen=True)
class Failure:
    """A pack that was given up."""

    pack: Pack
    reason: str
    log: str


@dataclass(frozen=True)
class Outcome:
    """How a run of a study ended."""

    plan: Plan
    """As it was at the start."""
    last: Plan
    """As it was last looked at, with the learning rates that were chosen meanwhile."""
    trained: int
    """Runs that were missing and that this sweep published."""
    elsewhere: int
    """Runs that were missing and that somebody else published meanwhile."""
    missing: int
    """Runs, those that still await a pilot among them."""
    failures: tuple[Failure, ...]
    wall_s: float


@dataclass(frozen=True)
class _Swept:
    """How some packs fared."""

    trained: int
    elsewhere: int
    missing: int
    failures: tuple[Failure, ...]


def run(
    config: Path,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    address: str | None = None,
    in_process: bool = False,
    console: Console | None = None,
    quiet: bool = False,
) -> Outcome:
    """Train the runs of a study that no store has: pilots, and then what awaited them.

    Args:
        config: the study's YAML file.
        overrides: such as ``recipe.epochs=5``.
        address: of a Ray cluster that runs already; by default Ray is started on this machine.
        in_process: without Ray, one pack after the other.
        console: for the live table.
        quiet: no live table.

    Raises:
        ConfigError, DataError, StoreError: before anything is trained.
        UsageError: Ray's workers can't see the store, Ray can't start, or it has no room for a single trial.
    """
    workspace = workspace or Workspace()
    began = monotonic()
    made = plan(
        config, workspace, overrides=overrides, trains=address is None
    )  # a cluster's nodes have memory of their own
    first, swept, tried = made, list[_Swept](), set[str]()
    while packs := [pack for pack in made.packs if pack.key not in tried]:
        if not swept:
            _refuse_unfit(workspace, in_process=in_process)
        swept.append(
            _sweep(
                made,
                packs,
                workspace,
                console or Console(stderr=True),
                address=address,
                in_process=in_process,
                quiet=quiet,
            )
        )
        tried |= {pack.key for pack in packs}
        if not made.pending:
            break
        made = plan(config, workspace, overrides=overrides, trains=address is None)
    return Outcome(
        plan=first,
        last=made,
        trained=sum(each.trained for each in swept),
        elsewhere=sum(each.elsewhere for each in swept),
        missing=sum(each.missing for each in swept) + made.pending,
        failures=tuple(failure for each in swept for failure in each.failures),
        wall_s=monotonic() - began,
    )


def _refuse_unfit(workspace: Workspace, *, in_process: bool) -> None:
    """A store that can't take what is trained."""
    if workspace.store.startswith("memory://") and not in_process:
        raise UsageError(
            f"--store {workspace.store}: is seen by this process alone, not by Ray's workers; add --in-process, or name a folder"
        )
    check_writable(open_store(workspace.store))


def _sweep(
    made: Plan,
    packs: list[Pack],
    workspace: Workspace,
    console: Console,
    *,
    address: str | None,
    in_process: bool,
    quiet: bool,
) -> _Swept:
    from scaling.sweep.progress import ProgressDisplay

    executor = _executor(made, packs, workspace, address=address, in_process=in_process)
    with ProgressDisplay(packs, console, quiet=quiet) as table:
        executor.run(packs, table)
    stored = workspace.stores().ids()
    failures = tuple(
        Failure(table.packs[key], news.failure, _place(news)) for key, news in table.failures.items()
    )
    runs = [run for pack in packs for run in pack.runs]
    there = sum(run.id in stored for run in runs)
    return _Swept(table.published, there - table.published, len(runs) - there, failures)


def _place(news: PackEvent) -> str:
    """Of a failure's log, with the machine where it isn't this one."""
    return f"{news.host}:{news.log}" if news.log and news.host not in ("", socket.gethostname()) else news.log


def _executor(
    made: Plan, packs: list[Pack], workspace: Workspace, *, address: str | None, in_process: bool
) -> Executor:
    from scaling.data import load
    from scaling.sweep.worker_config import WorkerConfig

    # Decoded and verified once, before workers would all do so; and a fault of the data is told before anything starts.
    wanted: set[Dataset] = {pack.cell.dataset for pack in packs}
    datasets = {dataset: load(dataset, folder=workspace.data, verify=True) for dataset in wanted}
    store = workspace.store if "://" in workspace.store else str(Path(workspace.store).absolute())
    work = WorkerConfig(
        store=store,
        data=workspace.data.absolute(),
        logs=(workspace.artifacts / made.study.name / "logs").absolute(),
        weights=made.study.store.weights == "all",
    )
    if in_process:
        from scaling.sweep.in_process import InProcessExecutor

        return InProcessExecutor(work)
    from scaling.sweep.ray_tune import RayTuneExecutor

    return RayTuneExecutor(
        work, datasets, workers=made.schedule.workers, gpus=made.study.resources.gpus, address=address
    )
