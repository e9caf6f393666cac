"""Training of packs by an executor, for every command that trains."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from scaling.api._workspace import Workspace
from scaling.config import Study
from scaling.datasets import Dataset
from scaling.errors import DataError, StoreError, UsageError
from scaling.interruption import handled_signals
from scaling.plan import Pack, Plan
from scaling.plan.engine import Engine, EngineChoice
from scaling.plan.speed import Speed
from scaling.plan.sweep_schedule import make_schedule
from scaling.store import check_writable, open_store, sweep
from scaling.temporary_folder import delete_abandoned_folders

if TYPE_CHECKING:
    from scaling.api._tracking import Trackings
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
    claims_lost: int = 0
    """Trainings that were stopped or discarded, because another worker had taken their pack over."""
    packs_split: int = 0
    """Packs that did not fit into memory, and whose networks trained in smaller groups."""

    @classmethod
    def total(cls, counts: Sequence[SweepCounts], *, pending: int) -> SweepCounts:
        """Return the sums over sweeps.

        Args:
            counts: numbers of each sweep.
            pending: number of runs that wait for their pilots and were in no sweep.
        """
        return SweepCounts(
            trained=sum(count.trained for count in counts),
            trained_by_others=sum(count.trained_by_others for count in counts),
            missing=sum(count.missing for count in counts) + pending,
            failures=tuple(failure for count in counts for failure in count.failures),
            claims_lost=sum(count.claims_lost for count in counts),
            packs_split=sum(count.packs_split for count in counts),
        )


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """Options that all sweeps of a study share."""

    workspace: Workspace
    console: Console
    choice: EngineChoice
    """What runs the workers."""
    address: str | None
    """Address of a running Ray cluster; None trains on this machine."""
    quiet: bool
    """True for no progress display."""
    trackings: Trackings | None = None
    """Trackers that get a copy of each published run."""

    def prepare(self) -> None:
        """Check that the workers can write the store, say what runs them, and start what takes seconds.

        Raises:
            StoreError: the store cannot be written.
            SweepError: no process can be started.
            UsageError: the store is visible to this process only.
        """
        self._check_store()
        if self.choice.reason and not self.quiet:
            self.console.print(self.choice.reason, markup=False, highlight=False, soft_wrap=True)
        if self.choice.engine is Engine.PROCESSES:
            from scaling.sweep.local_workers import start_server

            start_server()

    def _check_store(self) -> None:
        is_private = self.workspace.store.startswith("memory://")
        if is_private and self.choice.engine is not Engine.IN_PROCESS:
            raise UsageError(
                f"{self.workspace.store}: is visible to this process only, not to the workers; add"
                " `in_process`, or name a folder",
                option="store",
            )
        check_writable(open_store(self.workspace.store))

    def remove_leftovers(self) -> None:
        """Remove what killed processes left on this machine and, if it is a day old, in the store."""
        delete_abandoned_folders()
        with suppress(StoreError):  # a store that cannot be written keeps them
            sweep(open_store(self.workspace.store))

    def write_test_sets(self, plan: Plan) -> None:
        """Write the test sets of finished runs that no store has, for example after a repair.

        A test set that is damaged and still in its place is left alone.
        """
        stores = self.workspace.stores()
        datasets = {cell.info.fingerprint: cell.dataset for cell, run in plan.wanted if run.id in plan.done}
        missing = [fingerprint for fingerprint in datasets if not stores.has_test_set(fingerprint)]
        damaged = {file.name for file in stores.damage if file.kind == "test_sets"}
        if not missing or damaged:
            return
        from scaling.data import load
        from scaling.train import build_test_set

        for fingerprint in missing:
            with suppress(DataError):  # the labels are needed only by commands that read predictions
                loaded = load(datasets[fingerprint], folder=self.workspace.data, verify=True)
                if loaded.info.fingerprint == fingerprint:
                    stores.first.put_test_sets(build_test_set(loaded))

    def train(self, waves: Sequence[Sequence[Pack]], study: Study, speed: Speed) -> SweepCounts:
        """Train packs and publish their runs.

        Args:
            waves: packs; those of a wave may start from the weights of earlier waves. A pack is left out if
                a run that it starts from is missing.
            study: study of the packs.
            speed: speed of this machine.

        Raises:
            Interrupted: SIGINT, SIGTERM or SIGHUP arrived; finished runs are published, unfinished packs have
                checkpoints and no claims.
        """
        from scaling.sweep.progress import ProgressDisplay

        packs = [pack for wave in waves for pack in wave]
        executor = self._make_executor(packs, study, speed)
        if self.trackings:
            self.trackings.add_study(study)
        with handled_signals(), ProgressDisplay(packs, self.console, quiet=self.quiet) as display:

            def on_event(event: PackEvent) -> None:
                display(event)
                if self.trackings:
                    self.trackings.on_event(event, [run.id for run in display.packs[event.key].runs])

            for wave in waves:
                stored_ids = self.workspace.stores().ids()
                executor.run([pack for pack in wave if _parent_ids(pack) <= stored_ids], on_event)
        stored_ids = self.workspace.stores().ids()
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
            claims_lost=display.claims_lost,
            packs_split=display.packs_split,
        )

    def _make_executor(self, packs: Sequence[Pack], study: Study, speed: Speed) -> Executor:
        from scaling.data import load
        from scaling.sweep.worker_config import WorkerConfig

        # Data sets are decoded and verified once here, rather than by each worker, before training starts.
        workspace, needed = self.workspace, {pack.cell.dataset for pack in packs}
        datasets: dict[Dataset, LoadedDataset] = {
            dataset: load(dataset, folder=workspace.data, verify=True) for dataset in needed
        }
        worker_config = WorkerConfig(
            store=_absolute(workspace.store),
            also=[_absolute(store) for store in workspace.also],
            data=workspace.data.absolute(),
            logs=(workspace.artifacts / study.name / "logs").absolute(),
            weights=study.store.weights == "all",
        )
        if self.choice.engine is Engine.IN_PROCESS:
            from scaling.sweep.in_process import InProcessExecutor

            return InProcessExecutor(worker_config)
        workers = make_schedule(packs, study.resources, speed=speed).workers
        if self.choice.engine is Engine.PROCESSES:
            from scaling.sweep.local_workers import LocalExecutor

            return LocalExecutor(worker_config, workers=workers)
        from scaling.sweep.ray_tune import RayTuneExecutor

        return RayTuneExecutor(
            worker_config, datasets, workers=workers, gpus=study.resources.gpus, address=self.address
        )


def _absolute(store: str) -> str:
    """Return the name of a store for workers, which have other working folders."""
    return store if "://" in store else str(Path(store).expanduser().absolute())


def _parent_ids(pack: Pack) -> set[str]:
    return {parent.id for run in pack.runs if (parent := run.parent)}


def _log_location(event: PackEvent) -> str:
    is_elsewhere = event.log and event.host not in ("", socket.gethostname())
    return f"{event.host}:{event.log}" if is_elsewhere else event.log
