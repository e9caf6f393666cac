"""Run a study: train the missing runs, and keep every finished run.

Pilot runs come first. Their choices are read from the store, as every other command does, so that an
interruption loses no choice.
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
    from scaling.data import LoadedDataset
    from scaling.sweep.executor import Executor, PackEvent


@dataclass(frozen=True, kw_only=True)
class PackFailure:
    """A pack that failed for good."""

    pack: Pack
    reason: str
    """Reason in one line."""
    log: str
    """File with the traceback; empty if the file could not be written.

    The host name precedes the path if the file is on another machine.
    """


@dataclass(frozen=True, kw_only=True)
class SweepCounts:
    """Numbers of runs by what became of them."""

    trained: int
    """Runs that were missing and that this sweep published."""
    trained_by_others: int
    """Runs that were missing and that another process published meanwhile."""
    missing: int
    """Runs that are still missing, runs that wait for their pilots included."""
    failures: tuple[PackFailure, ...]


@dataclass(frozen=True, kw_only=True)
class RunOutcome(SweepCounts):
    """Outcome of running a study."""

    plan: Plan
    """Plan at the start."""
    latest_plan: Plan
    """Latest plan, with the learning rates that were chosen meanwhile."""
    wall_s: float
    """Wall time in seconds."""


@dataclass(frozen=True, kw_only=True)
class _Sweep:
    """Options that all sweeps of a study share."""

    workspace: Workspace
    console: Console
    address: str | None
    in_process: bool
    quiet: bool


def run(
    config: Path,
    workspace: Workspace | None = None,
    *,
    overrides: Sequence[str] = (),
    address: str | None = None,
    in_process: bool = False,
    console: Console | None = None,
    quiet: bool = False,
) -> RunOutcome:
    """Train the runs of a study that no store has: first the pilot runs, then the runs that wait for them.

    Args:
        config: YAML file of the study.
        workspace: stores and folders.
        overrides: changed settings, such as ``recipe.epochs=5``.
        address: address of a running Ray cluster; by default Ray is started on this machine.
        in_process: True to train without Ray, one pack after the other.
        console: console for the progress display; by default stderr.
        quiet: True for no progress display.

    Raises:
        ConfigError: the study is invalid; nothing was trained.
        DataError: a data set is missing or damaged; nothing was trained.
        StoreError: the store cannot be written; nothing was trained.
        UsageError: Ray cannot start, its workers cannot see the store, or it has no room for a single trial;
            or an optional package that an architecture needs is missing.
    """
    workspace, start_s = workspace or Workspace(), monotonic()
    sweep = _Sweep(
        workspace=workspace,
        console=console or Console(stderr=True),
        address=address,
        in_process=in_process,
        quiet=quiet,
    )
    trains_here = address is None  # the nodes of a cluster have memory of their own
    first_plan = latest_plan = plan(config, workspace, overrides=overrides, trains=trains_here)
    counts: list[SweepCounts] = []
    started_keys: set[str] = set()
    while packs := [pack for pack in latest_plan.packs if pack.key not in started_keys]:
        for pack in packs:
            pack.cell.architecture.check_packages()
        if not counts:
            _check_store(workspace, in_process=in_process)
        counts.append(_train_packs(sweep, latest_plan, packs))
        started_keys |= {pack.key for pack in packs}
        if not latest_plan.pending:
            break
        latest_plan = plan(config, workspace, overrides=overrides, trains=trains_here)
    return RunOutcome(
        plan=first_plan,
        latest_plan=latest_plan,
        trained=sum(count.trained for count in counts),
        trained_by_others=sum(count.trained_by_others for count in counts),
        missing=sum(count.missing for count in counts) + latest_plan.pending,
        failures=tuple(failure for count in counts for failure in count.failures),
        wall_s=monotonic() - start_s,
    )


def _check_store(workspace: Workspace, *, in_process: bool) -> None:
    if workspace.store.startswith("memory://") and not in_process:
        raise UsageError(
            f"{workspace.store}: is visible to this process only, not to the workers of Ray; add"
            " `in_process`, or name a folder",
            option="store",
        )
    check_writable(open_store(workspace.store))


def _train_packs(sweep: _Sweep, plan: Plan, packs: Sequence[Pack]) -> SweepCounts:
    from scaling.sweep.progress import ProgressDisplay

    executor = _make_executor(sweep, plan, packs)
    with ProgressDisplay(packs, sweep.console, quiet=sweep.quiet) as display:
        executor.run(packs, display)
    stored_ids = sweep.workspace.stores().ids()
    runs = [run for pack in packs for run in pack.runs]
    stored = sum(run.id in stored_ids for run in runs)
    return SweepCounts(
        trained=display.published,
        trained_by_others=stored - display.published,
        missing=len(runs) - stored,
        failures=tuple(
            PackFailure(pack=display.packs[key], reason=event.failure, log=_log_location(event))
            for key, event in display.failures.items()
        ),
    )


def _log_location(event: PackEvent) -> str:
    is_elsewhere = event.log and event.host not in ("", socket.gethostname())
    return f"{event.host}:{event.log}" if is_elsewhere else event.log


def _make_executor(sweep: _Sweep, plan: Plan, packs: Sequence[Pack]) -> Executor:
    from scaling.data import load
    from scaling.sweep.worker_config import WorkerConfig

    # Data sets are decoded and verified once here, rather than by each worker, and before training starts.
    workspace, needed = sweep.workspace, {pack.cell.dataset for pack in packs}
    datasets: dict[Dataset, LoadedDataset] = {
        dataset: load(dataset, folder=workspace.data, verify=True) for dataset in needed
    }
    store = workspace.store if "://" in workspace.store else str(Path(workspace.store).absolute())
    worker_config = WorkerConfig(
        store=store,
        data=workspace.data.absolute(),
        logs=(workspace.artifacts / plan.study.name / "logs").absolute(),
        weights=plan.study.store.weights == "all",
    )
    if sweep.in_process:
        from scaling.sweep.in_process import InProcessExecutor

        return InProcessExecutor(worker_config)
    from scaling.sweep.ray_tune import RayTuneExecutor

    return RayTuneExecutor(
        worker_config,
        datasets,
        workers=plan.schedule.workers,
        gpus=plan.study.resources.gpus,
        address=sweep.address,
    )
