"""The executor on Ray Tune: a grid search over batches of pack keys, on this machine or on a cluster that runs already.

Tune places the trials and moves the news; it gets no say in what a run is or whether it is done.
"""

from __future__ import annotations

import logging
import os
import socket
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from scaling.data import LoadedDataset
from scaling.datasets import Dataset
from scaling.errors import StoreError, UsageError
from scaling.plan import Pack
from scaling.plan.trials import TrialPacks, make_trials
from scaling.store import open_store, probe_is_visible, write_probe
from scaling.sweep.executor import OnPackEvent, PackEvent
from scaling.sweep.worker_config import WorkerConfig, first_line, write_log

QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",  # the new output prints a box even at verbosity 0
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",  # five files a trial, for nobody
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",  # it makes an ordinary end of Ctrl+C
}

NO_CLUSTER = "--address {address}: no Ray cluster answers ({why}); start one with: ray start --head"


@dataclass(frozen=True)
class RayTuneExecutor:
    """Trials in worker processes, one core each."""

    work: WorkerConfig
    datasets: Mapping[Dataset, LoadedDataset]
    """Sent to the workers of a cluster, whose machines may not have the data."""
    workers: int
    """Of this machine. A cluster decides by itself."""
    gpus: float = 0.0
    """A trial asks for so many."""
    address: str | None = None

    def run(self, packs: Sequence[Pack], on_progress: OnPackEvent) -> None:
        """Start or join Ray, work through the packs, and leave.

        Raises:
            UsageError: there is no cluster at ``address``, none can be started here, or it has no room for a trial.
            StoreError: a node of the cluster doesn't see the store.
        """
        if not packs:
            return
        for name, value in QUIET.items():
            os.environ.setdefault(name, value)
        if self.address:
            _answers(self.address)
        try:
            ray.init(
                address=self.address
                or "local",  # without a word, Ray would join any cluster that it finds on this machine
                num_cpus=None if self.address else self.workers,
                include_dashboard=None if self.address else False,
                logging_level=logging.ERROR,
                log_to_driver=False,
                configure_logging=True,
            )
        except (ConnectionError, ValueError, RuntimeError) as error:
            if not self.address:
                raise UsageError(
                    f"Ray can't start on this machine ({first_line(error)}); --in-process does without it"
                ) from error
            raise UsageError(NO_CLUSTER.format(address=self.address, why=first_line(error))) from error
        try:
            self._tune(packs, on_progress)
        finally:
            ray.shutdown()

    def _tune(self, packs: Sequence[Pack], on_progress: OnPackEvent) -> None:
        nodes = [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
        slots = sum(trial_capacity(node["Resources"], self.gpus) for node in nodes)
        if not slots:
            raise UsageError(_no_room(nodes, self.gpus))
        work = self.work
        if len(nodes) > 1:
            _all_see(work, nodes)
            work = replace(work, given=self.datasets)
        known = {pack.key: pack for pack in packs}
        trainable = tune.with_resources(
            tune.with_parameters(_trial, packs=known, work=work),
            {"cpu": 1, "gpu": self.gpus} if self.gpus else {"cpu": 1},
        )
        logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
        news = _News(known, on_progress)
        _fit(trainable, make_trials(packs, workers=slots), news)
        # A worker that died took its whole batch along, and nothing tells whose fault it was: each pack once more, alone.
        _fit(
            trainable,
            [(pack,) for pack in packs if pack.key not in news.settled],
            replace(news, dead=partial(write_log, self.work)),
        )


def trial_capacity(there: Mapping[str, float], gpus: float) -> int:
    """Trials that fit at once on a node.

    Args:
        there: what it has, in Ray's words.
        gpus: that a trial asks for: a fraction of one, or whole ones.
    """
    shares = (
        int(there.get("GPU", 0)) * int(1 / gpus)
        if 0 < gpus <= 1
        else int(there.get("GPU", 0) / gpus)
        if gpus
        else inf
    )
    return int(min(there.get("CPU", 0), shares))


def _no_room(nodes: Sequence[Mapping[str, Any]], gpus: float) -> str:
    """Ray itself would wait for ever for a node with room."""
    cpus, cards = (sum(node["Resources"].get(kind, 0) for node in nodes) for kind in ("CPU", "GPU"))
    if gpus:
        return (
            f"resources.gpus: {gpus:g}: no machine has so many for a pack, with a core beside them; Ray has {cards:g} GPUs and {cpus:g} cores: "
            "set it to 0, or name a cluster that has them with --address"
        )
    return f"Ray has {cpus:g} cores, and a pack needs one: start its nodes with --num-cpus, or do without it by --in-process"


def _fit(trainable: Any, batches: Sequence[TrialPacks], news: _News) -> None:
    if not batches:
        return
    with tempfile.TemporaryDirectory(prefix="scaling-tune-") as folder:
        tuner = tune.Tuner(
            trainable,
            param_space={"packs": tune.grid_search([[pack.key for pack in batch] for batch in batches])},
            tune_config=tune.TuneConfig(
                metric="accuracy",
                mode="max",
                reuse_actors=True,
                trial_name_creator=str,
                trial_dirname_creator=lambda t: t.trial_id,
            ),
            run_config=tune.RunConfig(
                name="sweep",
                storage_path=folder,
                verbose=0,
                callbacks=[news],
                failure_config=tune.FailureConfig(max_failures=0),
                checkpoint_config=tune.CheckpointConfig(),
            ),
        )
        tuner.fit()


def _trial(config: dict[str, Any], packs: dict[str, Pack], work: WorkerConfig) -> None:
    """Runs in a worker: one batch."""
    from scaling.sweep.worker import process_packs  # with torch and Lightning, which the driver does without

    def report(news: PackEvent) -> None:
        tune.report({**asdict(news), "accuracy": -1.0 if news.accuracy is None else news.accuracy})

    process_packs(tuple(packs[key] for key in config["packs"]), work, report)


@dataclass
class _News(tune.Callback):
    """Tune's news, handed to the listener."""

    packs: Mapping[str, Pack]
    on_progress: OnPackEvent
    dead: Callable[[Pack, str, str], str] | None = None
    """Writes the log of a pack whose worker died; None while it gets another."""
    settled: set[str] = field(default_factory=set)
    """Keys of packs that are published or given up."""

    def __getstate__(self) -> dict[str, Any]:
        """Tune saves its callbacks for a restoration that nobody asks for, and a listener can't be saved."""
        return {}

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        accuracy = result["accuracy"]
        names = ("key", "epoch", "published", "host", "failure", "log")
        self._tell(
            PackEvent(**{name: result[name] for name in names}, accuracy=None if accuracy < 0 else accuracy)
        )

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        if self.dead is None:
            return
        for key in set(trial.config["packs"]) - self.settled:
            text = Path(trial.error_file).read_text() if trial.error_file else "Ray tells nothing"
            self._tell(
                PackEvent(
                    key=key,
                    epoch=0,
                    failure="its worker failed twice",
                    log=self.dead(self.packs[key], "worker", text),
                )
            )

    def _tell(self, news: PackEvent) -> None:
        if news.failure or news.epoch == self.packs[news.key].cell.recipe.epochs:
            self.settled.add(news.key)
        self.on_progress(news)


def _answers(address: str) -> None:
    """Ray itself tries for minutes where nobody listens."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "/" not in host:
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
        except OSError as error:
            raise UsageError(NO_CLUSTER.format(address=address, why=error.strerror or error)) from error


def _all_see(work: WorkerConfig, nodes: list[dict[str, Any]]) -> None:
    """Refuse a store that only some nodes see: their results would be lost."""
    name = write_probe(open_store(work.store))

    @ray.remote(num_cpus=0)
    def look(uri: str) -> bool:
        return probe_is_visible(open_store(uri), name)

    for node in nodes:
        strategy = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        if not ray.get(look.options(scheduling_strategy=strategy).remote(work.store)):
            raise StoreError(
                f"{work.store}: node {node['NodeManagerAddress']} does not see this store; put it on a folder that all nodes share, "
                "or on an object store such as s3://bucket/path"
            )
