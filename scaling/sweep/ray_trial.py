"""One trial of Tune, in a worker of Ray: a thread works through the packs, and Tune fetches its events."""

from __future__ import annotations

import os
import signal
from collections.abc import Collection
from contextlib import suppress
from dataclasses import asdict, dataclass
from queue import SimpleQueue
from threading import Thread
from time import monotonic, sleep
from typing import Any

import ray
from ray import tune
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from scaling import interruption
from scaling.plan import Pack
from scaling.sweep.executor import PackEvent
from scaling.sweep.worker_config import WorkerConfig

NO_ACCURACY = -1.0
"""Accuracy of an event without one; Tune wants a number in each result."""
_POLL_S = 0.05


@dataclass(frozen=True, kw_only=True)
class WorkerProcess:
    """The process that works through a trial."""

    node_id: str
    """Node of Ray."""
    pid: int


class SweepTrial(tune.Trainable):
    """Trial that works through packs.

    SIGTERM ends the process as an interruption ends ``process_packs``: the pack in training gets a
    checkpoint, and its claim is released.
    """

    packs: dict[str, Pack]
    worker_config: WorkerConfig
    thread: Thread | None = None
    """Thread that works through the packs; None before it starts."""

    def setup(  # type: ignore[override]  # Tune passes the other arguments, too
        self, config: dict[str, Any], packs: dict[str, Pack], worker_config: WorkerConfig
    ) -> None:
        self.packs, self.worker_config = packs, worker_config
        self._watch_sigterm()
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another trial in the same process."""
        self.keys: list[str] = new_config["packs"]
        self.events: SimpleQueue[PackEvent | BaseException | None] = SimpleQueue()
        self.thread, self.is_known = None, False
        return True

    def step(self) -> dict[str, Any]:
        """Return the next event, after a first result that only names this process to the driver."""
        if not self.is_known:
            self.is_known = True
            return {"accuracy": NO_ACCURACY, "node_id": ray.get_runtime_context().get_node_id()}
        if self.thread is None:
            self.thread = Thread(target=self._work, daemon=True)
            self.thread.start()
        event = self.events.get()
        if isinstance(event, BaseException):
            raise event
        if event is None:
            return {"accuracy": NO_ACCURACY, "done": True}
        return {**asdict(event), "accuracy": NO_ACCURACY if event.accuracy is None else event.accuracy}

    def _work(self) -> None:
        # Imports torch and Lightning, which the driver does not need.
        from scaling.sweep.worker import process_packs

        try:
            process_packs(tuple(self.packs[key] for key in self.keys), self.worker_config, self.events.put)
        except interruption.Interrupted:
            return  # the process ends
        except BaseException as error:
            self.events.put(error)
        else:
            self.events.put(None)

    def _watch_sigterm(self) -> None:
        """Interrupt the work at SIGTERM.

        Python calls handlers in the main thread only, and not while Ray waits for a call there. So a thread
        reads the numbers of the signals that arrive. Ray's processes start with SIGTERM blocked: one that was
        sent meanwhile arrives now.
        """
        reader, writer = os.pipe()
        os.set_blocking(writer, False)

        def end_at_sigterm() -> None:
            while os.read(reader, 1)[0] != signal.SIGTERM:
                pass
            interruption.request(signal.SIGTERM)
            if self.thread is not None:
                self.thread.join()
            os._exit(128 + signal.SIGTERM)

        signal.signal(signal.SIGTERM, lambda signum, frame: None)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        Thread(target=end_at_sigterm, daemon=True).start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def stop_workers(workers: Collection[WorkerProcess], *, timeout_s: float) -> None:
    """Send SIGTERM to worker processes on all nodes, and wait until they have ended.

    Args:
        workers: processes of trials.
        timeout_s: longest time to wait, in seconds.
    """
    this_node = ray.get_runtime_context().get_node_id()
    pids: dict[str, list[int]] = {this_node: []}
    for worker in workers:
        pids.setdefault(worker.node_id, []).append(worker.pid)
    stop_remotely = ray.remote(num_cpus=0)(_stop_processes)
    ends = [
        stop_remotely.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node_id, soft=False)).remote(
            pids[node_id], timeout_s
        )
        for node_id in pids.keys() - {this_node}
    ]
    _stop_processes(pids[this_node], timeout_s)
    if ends:
        ray.wait(ends, num_returns=len(ends), timeout=timeout_s)


def _stop_processes(pids: Collection[int], timeout_s: float) -> None:
    end = monotonic() + timeout_s
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    while any(map(_is_alive, pids)) and monotonic() < end:
        sleep(_POLL_S)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
