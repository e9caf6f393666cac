"""The executor with worker processes: the bits of a training in process, deaths, errors and interruptions.

The server is a fork of the test's own process, which has imported torch already. A training that a test
plants is planted in the workers, too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from multiprocessing import Pipe, get_context
from pathlib import Path

import psutil
import pytest

from scaling.errors import SweepError
from scaling.interruption import Interrupted, handled_signals, pause
from scaling.store import Claims, open_store
from scaling.sweep import local_workers, worker_server
from scaling.sweep.executor import PackEvent
from scaling.sweep.in_process import InProcessExecutor
from scaling.sweep.local_workers import LocalExecutor, end_server
from tests.faults.signals import bits
from tests.sweep.planted_training import LONG_S, ids, packs, worker_config

HANG_S = 120
"""Time after which a test that hangs fails; no result depends on it."""

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning"),
    pytest.mark.skipif(sys.platform != "linux", reason="the server spawns its workers elsewhere"),
]


class ForkedServer:
    """Server in a fork of this process, with the methods of ``subprocess.Popen`` that the driver uses."""

    def __init__(self, control, output) -> None:
        def serve() -> None:
            os.dup2(output.fileno(), 2)
            # A new program would not inherit the files. They are replaced, because pyarrow ends a process
            # that has closed pyarrow's own.
            nothing = os.open(os.devnull, os.O_RDWR)
            for file in [int(link.name) for link in Path("/proc/self/fd").iterdir()]:
                if file > 2 and file not in (control.fileno(), nothing):
                    with suppress(OSError):
                        os.dup2(nothing, file)
            worker_server.serve(control)

        self.process = get_context("fork").Process(target=serve)
        self.process.start()
        self.pid, self.kill = self.process.pid, self.process.kill

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self, timeout: float | None = None) -> None:
        self.process.join(timeout)
        if self.process.exitcode is None:
            raise subprocess.TimeoutExpired("server", timeout or 0.0)


@pytest.fixture(autouse=True)
def server(monkeypatch):
    """A server of the test's own; returns a function that lists the processes of its workers."""
    end_server()
    monkeypatch.setattr(local_workers, "_launch", ForkedServer)

    def workers() -> list[psutil.Process]:
        server = local_workers._server
        return psutil.Process(server.process.pid).children() if server else []

    yield workers
    end_server()


def wait_for(condition) -> None:
    end_s = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def test_bits_are_those_of_a_training_in_process(tmp_path):
    wanted = packs(1, 2, 3)
    stores, events = (tmp_path / "a", tmp_path / "b"), list[PackEvent]()
    InProcessExecutor(worker_config(tmp_path, store=str(stores[0]))).run(wanted, lambda event: None)
    LocalExecutor(worker_config(tmp_path, store=str(stores[1])), workers=2).run(wanted, events.append)
    assert bits(stores[0]) == bits(stores[1])
    assert {event.key for event in events if event.published} == {pack.key for pack in wanted}
    assert set(open_store(stores[1]).runs()["threads"].to_pylist()) == {1}


def test_second_sweep_uses_the_server_of_the_first_one_and_new_workers(train, tmp_path, server):
    executor = LocalExecutor(worker_config(tmp_path), workers=2)
    executor.run(packs(1), lambda event: None)
    first = local_workers._server
    wait_for(lambda: not server())
    executor.run(packs(2), lambda event: None)
    assert local_workers._server is first
    assert open_store(tmp_path / "store").ids() == ids(packs(1, 2))


def test_worker_that_is_killed_costs_one_attempt_at_its_packs(train, tmp_path):
    """The first worker with the lethal pack dies in the middle of a training; the second one does not."""
    wanted, events = packs(1, 2, 3), list[PackEvent]()
    killed = tmp_path / "killed"

    def die_once(pack, attempt):
        if pack.key == wanted[1].key and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    train.failing = die_once
    LocalExecutor(worker_config(tmp_path, lease_s=0.3), workers=2).run(wanted, events.append)
    assert killed.exists()
    assert open_store(tmp_path / "store").ids() == ids(wanted)
    assert not any(event.failure for event in events)


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (-9, "was killed by signal 9 (SIGKILL)"),
        (-37, "was killed by signal 37"),  # a real-time signal has no name
        (3, "ended with 3"),
    ],
)
def test_end_of_a_worker_in_words(code, text):
    receiver, sender = Pipe(duplex=False)
    sender.send(code)
    assert local_workers._describe_end(receiver) == text


def test_pack_that_kills_its_workers_is_given_up_and_the_others_continue(train, tmp_path):
    wanted, events = packs(1, 2, 3), list[PackEvent]()

    def die(pack, attempt):
        if pack.key == wanted[1].key:
            os.write(2, b"a message from C++\n")
            os.kill(os.getpid(), signal.SIGKILL)

    train.failing = die
    LocalExecutor(worker_config(tmp_path, lease_s=0.3), workers=1).run(wanted, events.append)
    assert open_store(tmp_path / "store").ids() == ids((wanted[0], wanted[2]))
    (failure,) = (event for event in events if event.failure)
    assert (failure.key, failure.failure) == (wanted[1].key, "its worker failed twice")
    log = Path(failure.log).read_text()
    assert "was killed by signal 9 (SIGKILL)" in log
    assert "a message from C++" in log


def test_error_of_a_pack_is_reported_with_its_log(train, tmp_path):
    wanted, events = packs(1, 2), list[PackEvent]()
    train.failing = lambda pack, attempt: ValueError("planted") if pack.key == wanted[0].key else None
    LocalExecutor(worker_config(tmp_path), workers=2).run(wanted, events.append)
    (failure,) = (event for event in events if event.failure)
    assert (failure.key, failure.failure) == (wanted[0].key, "ValueError: planted")
    assert Path(failure.log).read_text().count("ValueError: planted") == 2
    assert open_store(tmp_path / "store").ids() == ids(wanted[1:])


def test_error_outside_of_all_packs_ends_the_trial_with_its_traceback(train, tmp_path, monkeypatch):
    """For example, a worker cannot open the store."""
    (pack,), events = packs(1), list[PackEvent]()
    monkeypatch.setattr("scaling.sweep.worker.open_store", lambda *_, **__: 1 / 0)
    LocalExecutor(worker_config(tmp_path), workers=1).run([pack], events.append)
    (failure,) = events
    assert failure.failure == "its worker failed twice"
    assert "ZeroDivisionError" in Path(failure.log).read_text()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interruption_stops_the_workers_and_releases_their_claims(train, tmp_path, server, signum):
    wanted, begun = packs(1, 2), tmp_path / "begun"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def wait_in_training() -> None:
        begun.touch()
        pause(HANG_S)

    def interrupt(event: PackEvent) -> None:
        wait_for(begun.exists)
        signal.raise_signal(signum)

    train.failing = lambda pack, attempt: wait_in_training() if pack.key == wanted[1].key else None
    with pytest.raises(Interrupted) as stop, handled_signals():
        LocalExecutor(worker_config(tmp_path), workers=2).run(wanted, interrupt)
    signal.signal(signal.SIGINT, before)
    assert stop.value.exit_code == 128 + signum
    claims = Claims(open_store(tmp_path / "store"), owner="next", lease_s=LONG_S)
    assert claims.try_acquire(wanted[1].key) is not None
    wait_for(lambda: not server())


def test_workers_of_a_killed_driver_release_their_claims_and_end(train, tmp_path):
    (pack,), begun = packs(1), tmp_path / "begun"

    def wait_in_training() -> None:
        begun.write_text(str(os.getpid()))
        pause(HANG_S)

    train.during = wait_in_training
    driver = get_context("fork").Process(
        target=LocalExecutor(worker_config(tmp_path), workers=1).run, args=([pack], print)
    )
    driver.start()
    wait_for(lambda: begun.exists() and begun.read_text())
    (server,) = psutil.Process(driver.pid).children()
    driver.kill()
    driver.join()
    claims = Claims(open_store(tmp_path / "store"), owner="next", lease_s=LONG_S)
    wait_for(lambda: claims.try_acquire(pack.key) is not None)
    wait_for(lambda: not psutil.pid_exists(int(begun.read_text())))
    wait_for(lambda: not server.is_running() or server.status() == psutil.STATUS_ZOMBIE)


def test_server_that_cannot_start_ends_the_sweep_with_its_reason(tmp_path, monkeypatch):
    program = [sys.executable, "-S", "-c", "raise SystemExit('torch is broken')"]
    monkeypatch.setattr(
        local_workers,
        "_launch",
        lambda control, output: subprocess.Popen(program, stdin=control.fileno(), stderr=output),
    )
    with pytest.raises(SweepError, match=r"^worker processes cannot start here \(torch is broken\)"):
        LocalExecutor(worker_config(tmp_path), workers=1).run(packs(1), print)


SCRIPT = """
from pathlib import Path
from scaling import api
from scaling.sweep import local_workers

servers = []
for seeds in (1, 2):
    workspace = api.Workspace(store="store", data=Path("data"), artifacts=Path("artifacts"))
    outcome = api.run(Path("study.yaml"), workspace, overrides=[f"seeds={seeds}"])
    servers.append(local_workers._server.process.pid)
    print(outcome.trained, outcome.missing)
print(len(set(servers)), servers[0])
"""
STUDY = """
study: script
dataset: {type: synthetic, size: 100, test_size: 50, side: 8}
architectures: [{type: tree3, rows: 1, branches: 2, filters: [1, 2]}]
recipe: {epochs: 1, precision: fp32}
"""


def test_script_without_a_guard_runs_two_sweeps_with_one_server_and_leaves_nothing(tmp_path):
    """The multiprocessing module would run the script again in each worker."""
    (tmp_path / "study.yaml").write_text(STUDY)
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    *sweeps, servers = done.stdout.splitlines()
    assert sweeps == ["2 0", "2 0"]
    count, pid = servers.split()
    assert count == "1"
    assert not psutil.pid_exists(int(pid))
    assert done.stderr.count("worker processes train without Ray, because the plan takes about") == 2
    assert {path.name for path in tmp_path.iterdir()} <= {"study.yaml", "script.py", "store", "artifacts"}
