"""Training of packs by an executor, for every command that trains."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from scaling.api._workspace import Workspace
from scaling.config import Study
from scaling.config.study import Resources
from scaling.datasets import Dataset
from scaling.errors import DataError, StoreError, UsageError
from scaling.interruption import handled_signals
from scaling.plan import Pack, Plan
from scaling.plan.engine import Engine, EngineChoice, choose_engine
from scaling.plan.speed import Speed
from scaling.plan.sweep_schedule import make_schedule, most_workers
from scaling.store import check_writable, open_store, sweep
from scaling.temporary_folder import delete_abandoned_folders

if TYPE_CHECKING:
    from scaling.api._tracking import Trackings
    from scaling.data import LoadedDataset
    from scaling.sweep.executor import Executor, PackEvent
    from scaling.sweep.shared_ray import StartRay


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


def show_stage(text: str, console: Console, *, quiet: bool) -> AbstractContextManager[object]:
    """Show on a terminal what happens inside the block, in which nothing is printed."""
    return nullcontext() if quiet or not console.is_terminal else console.status(text)


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
    start_ray: StartRay | None = None
    """Function that starts Ray for several sweeps; None if Ray ends with this sweep."""

    @classmethod
    def create(
        cls,
        workspace: Workspace,
        resources: Resources,
        *,
        wall_s: float,
        address: str | None,
        in_process: bool,
        console: Console | None,
        quiet: bool,
        trackings: Trackings | None = None,
        start_ray: StartRay | None = None,
    ) -> Sweep:
        """Return a sweep, with what runs its workers.

        Args:
            workspace: stores and folders.
            resources: resources of the study.
            wall_s: estimated wall time on this machine, in seconds.
            address: address of a running Ray cluster; None trains on this machine.
            in_process: True to train without workers.
            console: console for the progress display; by default stderr.
            quiet: True for no progress display.
            trackings: trackers that get a copy of each published run.
            start_ray: function that starts Ray for several sweeps.
        """
        choice = choose_engine(resources, wall_s=wall_s, address=address, in_process=in_process)
        console = console or Console(stderr=True)
        return cls(
            workspace=workspace,
            console=console,
            choice=choice,
            address=address,
            quiet=quiet,
            trackings=trackings,
            start_ray=start_ray,
        )

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

    @contextmanager
    def training(self, packs: Sequence[Pack], study: Study, speed: Speed) -> Iterator[Training]:
        """Load the data, and start the workers, which stay until the end of the block.

        Args:
            packs: packs of all phases, also stand-ins for those that are not known yet.
            study: study of the packs.
            speed: speed of this machine.

        Raises:
            Interrupted: SIGINT, SIGTERM or SIGHUP arrived in the block; finished runs are published,
                unfinished packs have checkpoints and no claims.
            SweepError: workers cannot start, or Ray has died.
        """
        with handled_signals(), ExitStack() as stack:
            with show_stage("loading the images", self.console, quiet=self.quiet):
                executor = self._make_executor(packs, study, speed)
            workers = "Ray" if self.choice.engine is Engine.RAY else "workers"
            with show_stage(f"starting {workers}", self.console, quiet=self.quiet):
                stack.enter_context(executor.session())
            yield Training(sweep=self, executor=executor, study=study, speed=speed)

    def _make_executor(self, packs: Sequence[Pack], study: Study, speed: Speed) -> Executor:
        from scaling.data import load
        from scaling.sweep.worker_config import WorkerConfig

        # Data sets are decoded and verified once here, rather than by each worker, before training starts.
        workspace, needed = self.workspace, {pack.cell.dataset for pack in packs}
        datasets: dict[Dataset, LoadedDataset] = {
            dataset: load(dataset, folder=workspace.data, verify=True) for dataset in needed
        }
        self._try_own_training(packs, datasets)
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
            worker_config,
            datasets,
            workers=most_workers(study.resources) if self.start_ray else workers,
            gpus=study.resources.gpus,
            address=self.address,
            start_ray=self.start_ray,
        )

    def _try_own_training(self, packs: Sequence[Pack], datasets: Mapping[Dataset, LoadedDataset]) -> None:
        """Train each network of the user's own that trains itself for one step.

        Otherwise each of its runs would fail with the same error. The nodes of a cluster may have packages
        that this machine lacks, so that nothing is tried for them.

        Raises:
            OwnNetworkError: the code of a network fails.
        """
        own = {
            (pack.cell.architecture.title, pack.cell.architecture.setting_values().get("code")): pack
            for pack in packs
            if pack.cell.architecture.trains_itself
        }
        if not own or self.address:
            return
        from scaling.train import select_device, try_training

        for pack in own.values():
            try_training(pack, datasets[pack.cell.dataset], device=select_device("auto"))


@dataclass(frozen=True, kw_only=True)
class Training:
    """Workers that have started, for the phases of a sweep one after the other."""

    sweep: Sweep
    executor: Executor
    study: Study
    speed: Speed
    factors: list[float] = field(default_factory=list)
    """Actual seconds of a planned second, in each phase that has ended."""

    def train(
        self,
        waves: Sequence[Sequence[Pack]],
        *,
        name: str = "training",
        later: Sequence[Pack] = (),
        watch: Callable[[], Sequence[str]] | None = None,
    ) -> SweepCounts:
        """Train packs and publish their runs.

        Args:
            waves: packs; those of a wave may start from the weights of earlier waves. A pack is left out if
                a run that it starts from is missing.
            name: name of the phase for people.
            later: packs of the phases that follow, which count in the time left.
            watch: function that fits the laws so far and returns a line for each; None shows no laws.
        """
        from scaling.sweep.progress import Phase, ProgressDisplay

        packs = [pack for wave in waves for pack in wave]
        workers, sweep = self._workers(packs), self.sweep
        then = make_schedule(later, self.study.resources, speed=self.speed)
        phase = Phase(
            name=name,
            workers=workers,
            later_s=then.wall_s - then.start_s,
            factor=self.factors[-1] if self.factors else 1.0,
            watch=watch,
        )
        with ProgressDisplay(packs, sweep.console, quiet=sweep.quiet, phase=phase) as display:

            def on_event(event: PackEvent) -> None:
                display(event)
                if sweep.trackings:
                    sweep.trackings.on_event(event, [run.id for run in display.packs[event.key].runs])

            for wave in waves:
                stored_ids = sweep.workspace.stores().ids()
                able = [pack for pack in wave if _parent_ids(pack) <= stored_ids]
                self.executor.run(able, on_event, workers=workers)
            self.factors.append(display.factor())
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
            claims_lost=display.claims_lost,
            packs_split=display.packs_split,
        )

    def _workers(self, packs: Sequence[Pack]) -> int:
        """Return how many packs are planned to train at once; on a cluster, the display counts them."""
        if self.sweep.choice.engine is Engine.IN_PROCESS or self.sweep.address:
            return 1
        return make_schedule(packs, self.study.resources, speed=self.speed).workers


def _absolute(store: str) -> str:
    """Return the name of a store for workers, which have other working folders."""
    return store if "://" in store else str(Path(store).expanduser().absolute())


def _parent_ids(pack: Pack) -> set[str]:
    return {parent.id for run in pack.runs if (parent := run.parent)}


def _log_location(event: PackEvent) -> str:
    is_elsewhere = event.log and event.host not in ("", socket.gethostname())
    return f"{event.host}:{event.log}" if is_elsewhere else event.log
