"""Worker processes on this machine without Ray, and the server that starts them.

The server imports torch and Lightning once. It then forks a worker whenever the driver asks for one, which
takes a tenth of a second. A worker gets trials through its channel, and sends the events of their packs back.

The end of the channel interrupts a worker: the pack in training gets a checkpoint, and its claim is released.
The channel also ends when the driver dies. The processes have a session of their own, so that Ctrl+C and the
end of the terminal reach the driver only, which then stops them.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import pickle
import select
import signal
import socket
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import metadata
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import SimpleQueue
from threading import Event, Thread
from time import monotonic, sleep

from scaling import interruption
from scaling.plan.trials import TrialPacks
from scaling.sweep.worker_config import WorkerConfig

STOP_S = 5.0
"""Longest time to save a checkpoint and to release a claim after an interruption, in seconds."""
_START_METHOD = "fork" if sys.platform == "linux" else "spawn"
"""How the server starts a worker. Elsewhere than on Linux, system libraries do not survive a fork."""
_FILES_PER_WORKER = 2
_WATCH_MS = 50
_UNUSED_PACKAGES = ("matplotlib", "scipy", "torchvision")
_FIRST_VICTIM = "1000"
"""Score that makes the kernel kill a worker before any other process if memory runs out, as Ray's workers."""


@dataclass(frozen=True, kw_only=True)
class WorkerSetup:
    """State of the driver's process that a worker takes over."""

    environment: Mapping[str, str]
    folder: str
    """Working folder."""
    module_path: Sequence[str]
    """Folders from which modules are imported."""


@dataclass(frozen=True, kw_only=True)
class TrialOrder:
    """A trial for a worker."""

    packs: TrialPacks
    config: WorkerConfig


@dataclass(frozen=True, kw_only=True)
class WorkerStart:
    """First message of a worker: it can work."""


@dataclass(frozen=True, kw_only=True)
class TrialEnd:
    """Last message about a trial."""

    error: str = ""
    """Traceback of an error that ended the trial early; empty if all of its packs are settled."""


def main() -> None:
    """Serve the driver, whose socket is the standard input, until it closes the socket."""
    control = socket.socket(fileno=os.dup(0))
    if _START_METHOD == "fork":
        with _ending_with_driver(control):
            import_libraries()
    gc.freeze()  # a collection in a worker would copy the memory that all workers share
    serve(control)
    os._exit(0)


def import_libraries() -> None:
    """Import torch and Lightning, once for all workers.

    Lightning imports torchmetrics, which imports optional packages for metrics and plots that no training
    uses. They take a quarter of the time, so they are hidden as if they were not installed.
    """
    with suppress(ImportError), _hidden_packages():
        import scaling.sweep.worker
    import scaling.sweep.worker  # noqa: F401  if one of the packages is needed after all


@contextmanager
def _hidden_packages() -> Iterator[None]:
    """Hide ``_UNUSED_PACKAGES`` from imports and from questions for their versions."""
    hidden = {name for name in _UNUSED_PACKAGES if name not in sys.modules}
    find_version = metadata.version

    def find_visible_version(distribution_name: str) -> str:
        if distribution_name in hidden:
            raise metadata.PackageNotFoundError(distribution_name)
        return find_version(distribution_name)

    metadata.version = find_visible_version
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # the import system knows this as "not there"
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
        hidden.clear()  # modules may keep the function
        metadata.version = find_version


@contextmanager
def _ending_with_driver(control: socket.socket) -> Iterator[None]:
    """End this process if the driver closes the socket inside the block, which takes seconds."""
    hangup, is_over = select.poll(), Event()
    hangup.register(control, 0)  # the end of the connection is reported in any case

    def watch() -> None:
        while not is_over.is_set():
            if hangup.poll(_WATCH_MS):
                os._exit(1)

    thread = Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()  # a fork would not copy the thread


def serve(control: socket.socket) -> None:
    """Start a worker for each message, until the driver closes the socket.

    A message brings two files: the worker's channel, and a pipe for the worker's exit code.
    """
    context = get_context(_START_METHOD)
    running: dict[int, tuple[BaseProcess, Connection]] = {}
    while True:
        for ready in wait([control, *running]):
            if isinstance(ready, int):
                process, status = running.pop(ready)
                process.join()
                with suppress(OSError):  # the driver has ended
                    status.send(process.exitcode)
                status.close()
                continue
            _, files, _, _ = socket.recv_fds(control, 1, _FILES_PER_WORKER)
            if not files:
                return _await_end([process for process, _ in running.values()])
            channel, status = map(_connection, files)
            process = context.Process(target=_work, args=(channel, control))  # type: ignore[attr-defined]
            process.start()
            channel.close()
            running[process.sentinel] = process, status


def _connection(file: int) -> Connection:
    return Connection(file)


def _await_end(processes: Sequence[BaseProcess]) -> None:
    """Wait until workers have ended, and kill those that do not."""
    end_s = monotonic() + 2 * STOP_S
    for process in processes:
        process.join(max(0.0, end_s - monotonic()))
        process.kill()


def _work(channel: Connection, control: socket.socket) -> None:
    """Work through trials until the channel ends."""
    control.close()
    faulthandler.enable()
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_VICTIM)
    with interruption.handled_signals():
        _take_over(pickle.loads(channel.recv_bytes()))
        orders: SimpleQueue[bytes | None] = SimpleQueue()
        Thread(target=_receive_orders, args=(channel, orders), daemon=True).start()
        channel.send(WorkerStart())
        while (order := orders.get()) is not None:
            channel.send(_process(order, channel))


def _take_over(setup: WorkerSetup) -> None:
    os.environ.clear()
    os.environ.update(setup.environment)
    sys.path[:] = setup.module_path
    with suppress(OSError):  # the folder was deleted; a worker has absolute paths
        os.chdir(setup.folder)


def _process(order: bytes, channel: Connection) -> TrialEnd:
    from scaling.sweep.worker import process_packs

    try:
        trial: TrialOrder = pickle.loads(order)  # may import the module of an architecture
        process_packs(trial.packs, trial.config, channel.send)
    except Exception:  # the driver tries the packs again
        return TrialEnd(error=traceback.format_exc())
    return TrialEnd()


def _receive_orders(channel: Connection, orders: SimpleQueue[bytes | None]) -> None:
    """Pass orders on. When the channel ends, interrupt the worker, and end it if it does not stop."""
    with suppress(EOFError, OSError):
        while True:
            orders.put(channel.recv_bytes())
    interruption.request(signal.SIGTERM)
    orders.put(None)
    sleep(STOP_S)
    os._exit(128 + signal.SIGTERM)
