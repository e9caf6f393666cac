"""Executor on Ray Tune: a grid search over trials of packs, on this machine or on a running cluster.

Tune schedules the trials and transports the progress. It decides neither what a run is nor whether a run is
done.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from ray import tune

from scaling import interruption
from scaling.data import LoadedDataset
from scaling.datasets import Dataset
from scaling.errors import SweepError, shorten
from scaling.plan import Pack
from scaling.plan.trials import TrialPacks, make_trials
from scaling.sweep.attempts import PackRecord, run_attempts
from scaling.sweep.executor import OnPackEvent, PackEvent
from scaling.sweep.ray_cluster import (
    check_memory,
    check_store_visible,
    cluster_capacity,
    live_nodes,
    memory_request,
)
from scaling.sweep.ray_session import ray_session
from scaling.sweep.ray_trial import SweepTrial, WorkerProcess, stop_workers
from scaling.sweep.shared_ray import StartRay
from scaling.sweep.worker_config import WorkerConfig

_STOP_S = 5.0
"""Longest time in which workers save checkpoints and release claims after an interruption, in seconds."""
_TrialResources = Callable[[dict[str, Any]], tune.PlacementGroupFactory]
"""Function that returns the resources that a trial requests, from the trial's configuration."""


@dataclass
class RayTuneExecutor:
    """Executor with trials in worker processes, one core each."""

    config: WorkerConfig
    datasets: Mapping[Dataset, LoadedDataset]
    """Data sets that are sent to the workers of a cluster, whose machines may not have the files."""
    workers: int
    """Number of cores that Ray gets on this machine; a cluster uses all of its cores."""
    gpus: float = 0.0
    """GPUs for a trial: a fraction of one GPU, or a whole number."""
    address: str | None = None
    """Address of a running cluster; by default, Ray is started on this machine."""
    start_ray: StartRay | None = None
    """Function that starts Ray for several executors; by default, each session starts Ray for itself."""
    _folder: Path | None = field(default=None, init=False)
    """Folder of the session; None outside of one."""

    @contextmanager
    def session(self) -> Iterator[None]:
        """Start or join Ray, and leave Ray at the end of the block unless other executors share it.

        Raises:
            UsageError: Ray cannot start here, or no cluster can be joined at ``address``.
            SweepError: Ray has died.
        """
        with ExitStack() as stack:
            if self.start_ray:
                self._folder = self.start_ray(self.address, self.workers)
            else:
                self._folder = stack.enter_context(ray_session(self.address, self.workers))
            try:
                yield
            finally:
                self._folder = None

    def run(self, packs: Sequence[Pack], on_progress: OnPackEvent, *, workers: int | None = None) -> None:
        """Train and publish the packs, in the session or in one of their own.

        Raises:
            UsageError: Ray cannot start here, no cluster can be joined at ``address``, or no node has room
                or memory for a trial.
            StoreError: a node of the cluster does not see the store.
            SweepError: Ray has died, or its temporary files are gone.
        """
        if not packs:
            return
        if self._folder is None:
            with self.session():
                self.run(packs, on_progress, workers=workers)
            return
        nodes = live_nodes()
        capacity = cluster_capacity(nodes, self.gpus)
        config = self.config
        if self.address:
            check_memory(packs, nodes, self.gpus)
            config = replace(config, preloaded=self.datasets)  # nodes may join that have no files
        if len(nodes) > 1:
            check_store_visible(config.store, nodes)
        # Another sweep of the session may have had memory for more workers.
        limit = workers if workers and not self.address and workers < self.workers else None
        folder = Path(mkdtemp(prefix="sweep-", dir=self._folder))
        self._run_trials(packs, config, on_progress, workers=limit or capacity, folder=folder, limit=limit)

    def _run_trials(
        self,
        packs: Sequence[Pack],
        config: WorkerConfig,
        on_progress: OnPackEvent,
        *,
        workers: int,
        folder: Path,
        limit: int | None = None,
    ) -> None:
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
        record = PackRecord({pack.key: pack for pack in packs}, on_progress)
        runner = _TrialRunner(
            resources=self._resources(packs),
            callback=_ProgressCallback(record),
            folder=folder,
            limit=limit,
        )
        run_attempts(make_trials(packs, workers=workers), config, record, runner.run)

    def _resources(self, packs: Sequence[Pack]) -> _TrialResources:
        """Return a function that returns the resources of a trial.

        On a cluster, a trial requests the memory of its largest pack. On this machine, the number of workers
        accounts for it.
        """
        resources = {"CPU": 1.0} | ({"GPU": self.gpus} if self.gpus else {})
        memory = {pack.key: memory_request(pack) for pack in packs} if self.address else {}

        def request(config: dict[str, Any]) -> tune.PlacementGroupFactory:
            largest = max((memory.get(key, 0) for key in config["packs"]), default=0)
            return tune.PlacementGroupFactory([resources | ({"memory": largest} if largest else {})])

        return request


@dataclass(frozen=True, kw_only=True)
class _TrialRunner:
    """Runner of trials on Ray."""

    resources: _TrialResources
    callback: _ProgressCallback
    folder: Path
    """Folder for Tune's files."""
    limit: int | None
    """Number of trials that run at once; None for as many as there are resources."""

    def run(self, trials: Sequence[TrialPacks], config: WorkerConfig, name: str) -> None:
        """Run trials.

        Raises:
            SweepError: the folder was deleted meanwhile, or cannot be written.
        """
        if not trials:
            return
        trainable = tune.with_resources(
            tune.with_parameters(SweepTrial, packs=self.callback.record.packs, worker_config=config),
            self.resources,
        )
        options: dict[str, Any] = {
            "param_space": {"packs": tune.grid_search([[pack.key for pack in trial] for trial in trials])},
            "tune_config": tune.TuneConfig(
                metric="accuracy",
                mode="max",
                max_concurrent_trials=self.limit,
                reuse_actors=True,
                trial_name_creator=str,
                trial_dirname_creator=lambda trial: trial.trial_id,
            ),
            "run_config": tune.RunConfig(
                name="sweep",
                storage_path=str(self.folder / name),
                verbose=0,
                callbacks=[self.callback],
                failure_config=tune.FailureConfig(max_failures=0),
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
            ),
        }
        try:
            tuner = tune.Tuner(trainable, **options)  # writes files
            with interruption.deferred():  # the callback stops the workers first
                tuner.fit()
        except (
            Exception
        ) as error:  # Tune raises exceptions of many classes, some with a traceback as their text
            if self.folder.exists() and str(self.folder) not in str(error) and not _is_disk_full(error):
                raise
            reason = shorten(str(error).strip().rpartition("\n")[2])
            raise SweepError(
                f"{self.folder}: Ray's temporary files were deleted or cannot be written ({reason}); every"
                " finished run is in the store, and the same command continues from there; TMPDIR names"
                " another folder for temporary files"
            ) from error


def _is_disk_full(error: Exception) -> bool:
    """Return whether an error says that a disk or a quota is full. Arrow's text then names no file."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


@dataclass
class _ProgressCallback(tune.Callback):
    """Callback of Tune that passes progress on, and that ends the sweep if an interruption is requested."""

    record: PackRecord
    workers: dict[str, WorkerProcess] = field(default_factory=dict)
    """Processes that work, by the id of the trial."""

    def __getstate__(self) -> dict[str, Any]:
        """Return nothing: Tune would save callbacks to restore them; this executor restores nothing."""
        return {}

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        if "key" not in result:
            if "node_id" in result:
                self.workers[trial.trial_id] = WorkerProcess(node_id=result["node_id"], pid=result["pid"])
            return
        accuracy = result["accuracy"]
        names = ("key", "epoch", "published", "claim_lost", "was_split", "host", "failure", "log")
        self.record.report(
            PackEvent(**{name: result[name] for name in names}, accuracy=None if accuracy < 0 else accuracy)
        )

    def on_step_begin(self, iteration: int, trials: list[Any], **info: Any) -> None:
        """Stop the workers if an interruption is requested. Tune calls this several times a second."""
        if interruption.is_requested():
            stop_workers(self.workers.values(), timeout_s=_STOP_S)
            interruption.check()

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.workers.pop(trial.trial_id, None)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self.workers.pop(trial.trial_id, None)
        if trial.error_file:
            text = Path(trial.error_file).read_text()
            self.record.record_death(trial.config["packs"], text)
