"""Executor with worker processes on this machine, without Ray, whose start would delay a short sweep.

The packs, their claims and the attempts at them are those of the executor on Ray.
"""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import IO

from scaling import interruption
from scaling.errors import SweepError
from scaling.plan import Pack
from scaling.plan.trials import TrialPacks, make_trials
from scaling.sweep.attempts import PackRecord, run_attempts
from scaling.sweep.executor import OnPackEvent, PackEvent
from scaling.sweep.worker_config import WorkerConfig
from scaling.sweep.worker_server import STOP_S, TrialEnd, TrialOrder, WorkerSetup, WorkerStart

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
"""Environment of libraries that would otherwise start a thread for each core in each worker."""
_NO_CUDA_YET = {"PYTORCH_NVML_BASED_CUDA_CHECK": "1"}
"""Environment in which torch looks for GPUs without starting CUDA, which forks could not use."""
_POLL_S = 0.1
"""Longest time until the driver notices that an interruption is requested."""
_STATUS_S = 2.0
"""Longest time to wait for the exit code of a worker, which the server sends."""
_MAX_FAILED_STARTS = 2
"""Number of workers, one after the other, that die before they can work, at which the sweep ends."""
_OUTPUT_BYTES = 4000
"""Length of the end of the workers' output that the log of a pack gets."""


@dataclass(frozen=True)
class LocalExecutor:
    """Executor with trials in worker processes of this machine, one core each."""

    config: WorkerConfig
    workers: int
    """Number of packs that train at once."""

    def session(self) -> AbstractContextManager[None]:
        """Return a block without an effect: the server of the workers stays until this process ends."""
        return nullcontext()

    def run(self, packs: Sequence[Pack], on_progress: OnPackEvent, *, workers: int | None = None) -> None:
        """Start workers, train and publish the packs, and end the workers.

        Raises:
            SweepError: no worker can be started.
        """
        if not packs:
            return
        workers = workers or self.workers
        record = PackRecord({pack.key: pack for pack in packs}, on_progress)
        with interruption.deferred(), _worker_pool(workers, record) as pool:
            run_attempts(make_trials(packs, workers=workers), self.config, record, pool.run_trials)


@dataclass
class _Worker:
    """A worker process, as the driver sees it."""

    channel: Connection
    status: Connection
    """Pipe in which the server sends the worker's exit code."""
    trial: TrialPacks | None = None
    """Trial in work; None if the worker has nothing to do."""
    has_started: bool = False


@dataclass
class _WorkerPool:
    """Worker processes of one sweep. A worker that dies is replaced when there is work for it."""

    size: int
    record: PackRecord
    workers: list[_Worker] = field(default_factory=list)
    failed_starts: int = 0
    """Number of workers, one after the other, that died before they could work."""

    def run_trials(self, trials: Sequence[TrialPacks], config: WorkerConfig, name: str) -> None:
        """Run trials to their ends, as ``attempts.RunTrials`` describes.

        Raises:
            Interrupted: an interruption was requested; the workers have stopped.
            SweepError: no worker can be started.
        """
        waiting = deque(trials)
        while waiting or any(worker.trial for worker in self.workers):
            self._assign(waiting, config)
            busy = [worker for worker in self.workers if worker.trial]
            ready = wait([worker.channel for worker in busy], timeout=_POLL_S)
            for worker in busy:
                if worker.channel in ready:
                    self._receive(worker)
            if interruption.is_requested():
                self.stop()
                interruption.check()

    def _assign(self, waiting: deque[TrialPacks], config: WorkerConfig) -> None:
        """Give the next trials to workers without one, and start workers up to the size of the pool."""
        idle = [worker for worker in self.workers if not worker.trial]
        while waiting and (idle or len(self.workers) < self.size):
            if not idle:
                idle.append(_start_worker())
                self.workers += idle
            worker = idle.pop()
            worker.trial = waiting.popleft()
            with suppress(OSError):  # the worker has died, which its channel tells next
                worker.channel.send(TrialOrder(packs=worker.trial, config=config))

    def _receive(self, worker: _Worker) -> None:
        """Take one message of a worker, or its death."""
        message = _next_message(worker.channel)
        if message is None:
            self._bury(worker)
        elif isinstance(message, PackEvent):
            self.record.report(message)
        elif isinstance(message, WorkerStart):
            worker.has_started, self.failed_starts = True, 0
        else:
            if message.error:
                self._record_death(worker, message.error)
            worker.trial = None

    def _bury(self, worker: _Worker) -> None:
        """Remove a worker that has died."""
        self.workers.remove(worker)
        worker.channel.close()
        reason = f"The worker process {_describe_end(worker.status)}."
        self.failed_starts += not worker.has_started
        if self.failed_starts == _MAX_FAILED_STARTS:
            raise SweepError(
                f"worker processes cannot start here ({_last_line(_read_output()) or reason});"
                " every finished run is in the store; train under Ray with resources.engine: ray, or"
                " without worker processes with `in_process`"
            )
        self._record_death(worker, f"{reason}\nEnd of the output of the workers:\n{_read_output()}")

    def _record_death(self, worker: _Worker, text: str) -> None:
        self.record.record_death([pack.key for pack in worker.trial or ()], text)

    def stop(self) -> None:
        """End the workers: those that train save checkpoints and release claims first.

        A worker that has not started yet ends when it does.
        """
        for worker in self.workers:
            with suppress(OSError):
                _shut_down_writing(worker.channel)
        end_s = monotonic() + STOP_S
        living = [worker for worker in self.workers if worker.has_started]
        while living and (left_s := end_s - monotonic()) > 0:
            ready = wait([worker.channel for worker in living], timeout=left_s)
            living = [
                worker for worker in living if worker.channel not in ready or _next_message(worker.channel)
            ]
        for worker in self.workers:
            worker.channel.close()
            worker.status.close()
        self.workers.clear()


@contextmanager
def _worker_pool(size: int, record: PackRecord) -> Iterator[_WorkerPool]:
    pool = _WorkerPool(size, record)
    try:
        yield pool
    finally:
        pool.stop()


def _next_message(channel: Connection) -> PackEvent | WorkerStart | TrialEnd | None:
    """Wait for the next message of a worker, and return it; None if the worker has ended."""
    try:
        message: PackEvent | WorkerStart | TrialEnd = channel.recv()
    except (EOFError, OSError):
        return None
    return message


def _shut_down_writing(channel: Connection) -> None:
    """Let the worker see the end of its channel, while its own messages still arrive."""
    with socket.socket(fileno=os.dup(channel.fileno())) as end:
        end.shutdown(socket.SHUT_WR)


def _describe_end(status: Connection) -> str:
    """Return how a process ended: ``was killed by signal 9 (SIGKILL)``."""
    code = None
    with status, suppress(EOFError, OSError):
        code = status.recv() if status.poll(_STATUS_S) else None
    if code is None:
        return "has ended"
    if code >= 0:
        return f"ended with {code}"
    # Real-time signals have numbers only.
    name = next((f" ({known.name})" for known in signal.Signals if known == -code), "")
    return f"was killed by signal {-code}{name}"


@dataclass(frozen=True)
class _Server:
    """Server of worker processes. It stays until this process ends, so that a second sweep starts at once."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    output: IO[bytes]
    """What the server and its workers print: a file without a name, which leaves nothing behind."""
    driver_pid: int
    """Process that started the server; a fork of that process needs a server of its own."""

    @property
    def is_usable(self) -> bool:
        return self.driver_pid == os.getpid() and self.process.poll() is None

    def close(self) -> None:
        """Close this process' ends of its connections."""
        self.control.close()
        self.output.close()


_server: _Server | None = None
_lock = Lock()


def start_server() -> _Server:
    """Return the server of worker processes. If it has to be started, it still imports after the return.

    Raises:
        SweepError: the process cannot be started.
    """
    global _server
    with _lock:
        if _server is not None:
            if _server.is_usable:
                return _server
            _server.close()
        control, other_end = socket.socketpair()
        try:
            with other_end:
                output = tempfile.TemporaryFile()  # noqa: SIM115  it stays open with the server
                _server = _Server(_launch(other_end, output), control, output, os.getpid())
        except OSError as error:
            control.close()
            raise SweepError(
                f"worker processes cannot be started ({error.strerror or error}); train without them with"
                " `in_process`"
            ) from error
        atexit.unregister(end_server)
        atexit.register(end_server)
        return _server


def end_server() -> None:
    """End the server of worker processes, if it runs. Workers that are in training stop first."""
    global _server
    if _server is None or _server.driver_pid != os.getpid():
        return
    server, _server = _server, None
    server.close()
    try:
        server.process.wait(_POLL_S)
    except subprocess.TimeoutExpired:  # it still imports, or waits for a worker, which ends by itself
        server.process.kill()
        server.process.wait()


def _launch(control: socket.socket, output: IO[bytes]) -> subprocess.Popen[bytes]:
    program = (
        f"import sys; sys.path[:] = {_module_path()!r}; from scaling.sweep.worker_server import main; main()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=control.fileno(),
        stdout=output,
        stderr=output,
        env=os.environ | _ONE_THREAD | _NO_CUDA_YET,
        start_new_session=True,
    )


def _start_worker() -> _Worker:
    """Start a worker process.

    Raises:
        SweepError: the process cannot be started.
    """
    server = start_server()
    channel, worker_channel = Pipe()
    status, server_status = Pipe(duplex=False)
    # If the server has just died, the channel ends before the worker starts.
    with worker_channel, server_status, suppress(OSError):
        socket.send_fds(server.control, [b"w"], [worker_channel.fileno(), server_status.fileno()])
    folder = Path("/")
    with suppress(OSError):  # the working folder was deleted
        folder = Path.cwd()
    setup = WorkerSetup(
        environment=os.environ | _ONE_THREAD,
        folder=str(folder),
        module_path=_module_path(),
    )
    with suppress(OSError):
        channel.send(setup)
    return _Worker(channel, status)


def _module_path() -> list[str]:
    """Return the folders from which this process imports modules, as absolute paths."""
    return [str(Path(folder).absolute()) for folder in sys.path]


def _read_output() -> str:
    """Return the end of what the server and its workers printed."""
    if _server is None:
        return ""
    size = os.fstat(_server.output.fileno()).st_size
    start = max(0, size - _OUTPUT_BYTES)
    return os.pread(_server.output.fileno(), _OUTPUT_BYTES, start).decode(errors="replace")


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1]
