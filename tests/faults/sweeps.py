"""Random faults in real sweeps, each followed by the same command without faults.

    python -m tests.faults.sweeps --trials 100 --seed 0 --jobs 3

A trial starts the drivers of a small study in process, with worker processes, on Ray, or on a Ray cluster of
three nodes, does one fault at a random instant, and repeats the command until it has nothing left to do. Then
these must hold:

- every wanted run is in one part of the store, and no other run is;
- accuracies, losses and logits have the bits of an undisturbed sweep;
- ``scaling store verify`` finds nothing;
- no process is left; and on the next day, the same command leaves no temporary file, no checkpoint and no
  claim;
- no command printed a traceback, and each ended in time with an exit code that its fault permits.

The seed of a trial is printed. A failed trial keeps its folder.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil
import pyarrow.compute as pc

from tests.faults.invariants import problems, stored
from tests.faults.ray_nodes import RayNodes
from tests.faults.trial import PATIENCE_S, Driver, Trial, wait

STUDY = """\
study: faults
dataset: {type: synthetic, size: 1000, test_size: 500, side: 16}
architectures:
  - {type: tree3, rows: 1, filters: [1, 2, 3], branches: 4}
  - {type: lenet5, filters: [1, 2]}
recipe: {epochs: 4, batch_size: 20}
seeds: 8
resources: {workers: 2}
"""
RUNS = 5 * 8
"""Number of runs that the study wants."""
LEASE_S = 20.0
"""Time after which a claim that is not renewed belongs to a dead worker."""
NO_FAULT = "no fault: the driver ended before it had such a process"

Fault = Callable[[Trial, list[Driver], random.Random], str]
"""Function that does a fault to drivers, records their permitted exit codes, and says what it did."""


def send(number: signal.Signals, *, times: int = 1) -> Fault:
    """Return the fault that sends a driver a signal.

    Args:
        number: the signal.
        times: number of signals, half a second apart.
    """

    def fault(trial: Trial, drivers: list[Driver], rng: random.Random) -> str:
        driver = rng.choice(drivers)
        driver.permitted |= {128 + number}
        for _ in range(times):
            with suppress(ProcessLookupError):
                driver.process.send_signal(number)
            time.sleep(0.5)
        return f"{times} x {number.name} to a driver"

    return fault


def end_job(trial: Trial, drivers: list[Driver], rng: random.Random) -> str:
    """Send SIGTERM to all processes of a driver in a random order, as a service manager does."""
    driver = rng.choice(drivers)
    driver.permitted |= {128 + signal.SIGTERM}
    family = driver.family
    rng.shuffle(family)
    for process in family:
        with suppress(psutil.Error):
            process.terminate()
    return "SIGTERM to all processes of a driver"


def await_processes(driver: Driver, find: Callable[[], list[psutil.Process]]) -> list[psutil.Process]:
    """Return the processes that a function finds, once there are any; none if the driver ends before."""
    while not (found := find()) and driver.process.poll() is None:
        time.sleep(0.1)
    return found


def kill_one(*names: str, number: signal.Signals = signal.SIGKILL) -> Fault:
    """Return the fault that ends one of a driver's processes with one of these names."""

    def fault(trial: Trial, drivers: list[Driver], rng: random.Random) -> str:
        driver = rng.choice(drivers)
        driver.permitted |= {1, 2}  # 2 if Ray was starting
        victims = await_processes(driver, lambda: driver.of_kind(*names))
        if not victims:
            return NO_FAULT
        victim = rng.choice(victims)
        with suppress(psutil.Error):
            victim.send_signal(number)
        return f"{number.name} to {'/'.join(names)}"

    return fault


def kill_local(number: signal.Signals) -> Fault:
    """Return the fault that ends the server of a driver's worker processes, or one of the workers."""

    def fault(trial: Trial, drivers: list[Driver], rng: random.Random) -> str:
        driver = rng.choice(drivers)
        driver.permitted |= {1}
        victims = await_processes(driver, lambda: driver.running("worker_server"))
        if not victims:
            return NO_FAULT
        victim = rng.choice(victims)
        with suppress(psutil.Error):
            victim.send_signal(number)
        return f"{number.name} to {'the server' if victim == victims[0] else 'a worker'}"

    return fault


def pause(trial: Trial, drivers: list[Driver], rng: random.Random) -> str:
    """Stop all processes of a driver for longer than the lease, while another driver may go on."""
    driver = rng.choice(drivers)
    family = driver.family
    driver.permitted |= {1, 2}  # 2 if Ray was starting
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for process in family:
            with suppress(psutil.Error):
                process.send_signal(number)
        if number == signal.SIGSTOP:
            time.sleep(1.5 * LEASE_S)
    return "SIGSTOP past the lease"


def hide_store(trial: Trial, drivers: list[Driver], rng: random.Random) -> str:
    """Put a file in the place of the store for some seconds, so that nothing can be read or written."""
    for driver in drivers:
        driver.permitted |= {1, 2}  # 2 if nothing was trained before
    hidden = trial.disk / "hidden"
    trial.store.mkdir(exist_ok=True)
    trial.store.rename(hidden)
    trial.store.write_text("a file stands where the store was")
    time.sleep(rng.uniform(1, 12))
    trial.store.unlink()
    hidden.rename(trial.store)
    return "store unreachable"


def fill_disk(trial: Trial, drivers: list[Driver], rng: random.Random) -> str:
    """Fill the file system of the store for some seconds."""
    for driver in drivers:
        driver.permitted |= {1, 2}
    ballast = trial.disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(2**16))
    time.sleep(rng.uniform(1, 12))
    ballast.unlink()
    return "disk full"


def lose_node(nodes: RayNodes) -> Fault:
    """Return the fault that kills a node of a cluster; another node joins some seconds later."""

    def fault(trial: Trial, drivers: list[Driver], rng: random.Random) -> str:
        for driver in drivers:
            driver.permitted |= {1}  # a driver is connected to one of the nodes
        nodes.lose_node()
        time.sleep(rng.uniform(0, 10))
        nodes.add_node()
        return "SIGKILL to a node of three, and another node"

    return fault


IN_PROCESS = ("--in-process",)
PROCESSES, RAY = (("--set", f"resources.engine={engine}") for engine in ("processes", "ray"))
STOPS: list[Fault] = [
    send(signal.SIGKILL),
    send(signal.SIGTERM),
    send(signal.SIGINT),
    send(signal.SIGINT, times=2),
    end_job,
]
ANYWHERE: list[Fault] = [*STOPS, pause, hide_store, fill_disk]
ONLY_RAY: list[Fault] = [
    kill_one("ray::"),
    kill_one("ray::", number=signal.SIGTERM),
    kill_one("raylet"),
    kill_one("gcs_server"),
]

ONLY_PROCESSES: list[Fault] = [kill_local(signal.SIGKILL), kill_local(signal.SIGTERM)] * 2


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Put a file system of 64 MB at a folder, where that is permitted."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", folder]
    mounted = os.geteuid() == 0 and not subprocess.run(mount, check=False, capture_output=True).returncode
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", folder], check=True)


def run_trial(trial: Trial, seed: str, reference: Path, duration_s: float) -> tuple[bool, list[str]]:
    """Do one trial, and return whether its fault took place, and its problems."""
    rng = random.Random(seed)
    trial.prepare()
    with small_disk(trial.disk):
        mode = rng.choice(["in process", "processes", "Ray", "cluster"])
        with ExitStack() as stack:
            options, faults = IN_PROCESS, ANYWHERE
            if mode == "processes":
                options, faults = PROCESSES, ANYWHERE + ONLY_PROCESSES
            elif mode == "Ray":
                options, faults = RAY, ANYWHERE + ONLY_RAY
            elif mode == "cluster":
                nodes = RayNodes(trial.folder / "nodes", trial.environment, nodes=3)
                stack.callback(nodes.stop)
                options, faults = ("--address", nodes.address), [*ANYWHERE, *[lose_node(nodes)] * 3]
            drivers = [trial.start(*options) for _ in range(rng.choice([1, 1, 2]))]
            fault = rng.choice(faults)
            instant = rng.uniform(0.5, duration_s)
            time.sleep(instant)
            done = fault(trial, drivers, rng)
            print(f"{seed}: {mode}, {len(drivers)} drivers, after {instant:.1f} s: {done}", flush=True)
            found = complete(trial, drivers, options) + remove_leftovers(trial)
        return done != NO_FAULT, found + problems(trial, reference)


def complete(trial: Trial, drivers: Sequence[Driver], options: Sequence[str]) -> list[str]:
    """Wait for the drivers, repeat the command until it has nothing left to do, and return what was wrong."""
    found = [problem for driver in drivers for problem in wait(driver, PATIENCE_S)]
    for _ in range(3):
        repeated = trial.start(*options)
        repeated.permitted |= {1}
        found += wait(repeated, PATIENCE_S)
        if repeated.process.returncode == 0:
            return found
    return [*found, "three repetitions of the command did not finish the study"]


def remove_leftovers(trial: Trial) -> list[str]:
    """Repeat the command as if a day had passed, and return what was wrong."""
    found = wait(trial.start(*IN_PROCESS, is_next_day=True), PATIENCE_S)
    claims = (path for path in (trial.store / "claims").rglob("*") if path.is_file())
    return found + [f"left: {path}" for path in claims]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=3, help="number of trials at a time; most of them wait")
    parser.add_argument("--only", type=int, nargs="+", metavar="N", help="numbers of trials; by default all")
    arguments = parser.parse_args()
    # A shell lets its background processes ignore SIGINT, which they would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Short names: Ray's sockets must have paths of at most 107 letters.
    root = Path(tempfile.mkdtemp(prefix="f"))
    reference = Trial(root / "reference", STUDY)
    reference.prepare()
    started = time.monotonic()
    wrong = wait(reference.start(*IN_PROCESS), PATIENCE_S)
    duration_s = time.monotonic() - started
    if wrong or pc.count_distinct(stored(reference.store, "runs")["id"]).as_py() != RUNS:
        print(f"the undisturbed sweep failed: {wrong}, see {reference.folder}")
        return 1
    print(f"undisturbed sweep: {duration_s:.1f} s; trials in {root}", flush=True)
    numbers = arguments.only or range(arguments.trials)

    def run(number: int) -> tuple[bool, bool]:
        """Return whether a trial had its fault, and whether it has no problem."""
        trial = Trial(root / str(number), STUDY)
        seed = f"{arguments.seed}-{number}"
        try:
            had_fault, found = run_trial(trial, seed, reference.store, duration_s)
        except RuntimeError as error:  # a node of the cluster did not start
            had_fault, found = False, [str(error)]
        for problem in found:
            print(f"  {seed}: {problem}", flush=True)
        if not found:
            shutil.rmtree(trial.folder)
        return had_fault, not found

    with ThreadPoolExecutor(arguments.jobs) as jobs:
        had_fault, passed = map(sum, zip(*jobs.map(run, numbers), strict=True))
    print(f"{passed} of {len(numbers)} trials ended complete and identical, {had_fault} after a fault")
    return 0 if passed == len(numbers) else 1


if __name__ == "__main__":
    sys.exit(main())
