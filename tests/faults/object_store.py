"""Two and four drivers on one study, in a folder and on a server that speaks S3, which stops in the middle.

    python -m tests.faults.object_store --seed 0 [SCENARIO ...]

The server is a process of its own. It is stopped with SIGSTOP after a number of published packs that comes
from the seed, for 8 s or for 90 s, and goes on with SIGCONT: it accepts connections meanwhile, and answers
nothing. (It keeps its objects in memory, so it is not killed.) In each scenario these must hold:

- every run was trained once: the drivers report as many trained runs as the study has, and discard none
  (a driver that was interrupted reports nothing);
- every run is in one part of the store, with the bits of an undisturbed sweep in a folder;
- ``scaling store verify`` finds nothing, and no checkpoint and no process is left;
- no command printed a traceback, and each ended with exit code 0, or with 1 and a reason if the server was
  stopped; then the repeated command completes the study;
- a driver that gets Ctrl-C while the server is stopped ends with exit code 130 before the server goes on.

It takes about half an hour on one core. A failed scenario keeps its folder.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scaling.store import open_store, paths
from tests.faults.invariants import problems
from tests.faults.sweeps import IN_PROCESS, RAY
from tests.faults.trial import PATIENCE_S, Driver, Trial, wait
from tests.s3_server import BUCKET, s3_environment

STUDY = """\
study: drivers
dataset: {type: synthetic, size: 1000, test_size: 200, side: 16}
architectures:
  - {type: tree3, rows: 1, filters: [1, 2, 3, 4, 5], branches: 4}
  - {type: lenet5, filters: [1, 2, 3]}
recipe: {epochs: 3, batch_size: 20}
seeds: 2
resources: {workers: 2}
"""
PACKS, RUNS = 8, 8 * 2
END_S = 30.0
"""Time in which a driver must end after Ctrl-C while the server answers nothing."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    drivers: int
    on_server: bool = True
    stopped_s: float = 0.0
    """Time for which the server is stopped."""
    options: Sequence[str] = IN_PROCESS
    ctrl_c: bool = False
    """True to interrupt the first driver while the server is stopped."""

    @property
    def name(self) -> str:
        kind = "s3" if self.on_server else "folder"
        executor = "" if self.options == IN_PROCESS else "-ray"
        outage = f"-{self.stopped_s:g}s" if self.stopped_s else ""
        return f"{kind}-{self.drivers}{executor}{outage}" + ("-ctrl-c" if self.ctrl_c else "")


SCENARIOS = [
    *(Scenario(drivers=drivers, on_server=False) for drivers in (2, 4)),
    *(Scenario(drivers=drivers, stopped_s=stopped_s) for stopped_s in (0, 8, 90) for drivers in (2, 4)),
    Scenario(drivers=2, stopped_s=90, options=RAY),
    Scenario(drivers=2, stopped_s=90, ctrl_c=True),
]


@contextmanager
def server_process() -> Iterator[subprocess.Popen[str]]:
    """Start a server, and set the environment of its clients."""
    command = [sys.executable, "-m", "tests.s3_server"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        os.environ.update(s3_environment(server.stdout.readline().strip()))
        try:
            yield server
        finally:
            server.kill()


def stop_in_the_middle(
    scenario: Scenario, trial: Trial, server: subprocess.Popen[str], packs: int, drivers: Sequence[Driver]
) -> list[str]:
    """Stop the server for some seconds once some packs are published, and return problems."""
    backend = open_store(trial.uri).backend
    end = time.monotonic() + PATIENCE_S
    while len(backend.list_names("runs")) < packs:
        if time.monotonic() > end:
            raise TimeoutError("the drivers do not come to the point where the server is stopped")
        time.sleep(0.2)
    server.send_signal(signal.SIGSTOP)
    end = time.monotonic() + scenario.stopped_s
    time.sleep(1)
    found = interrupt(drivers[0]) if scenario.ctrl_c else []
    time.sleep(max(0, end - time.monotonic()))
    server.send_signal(signal.SIGCONT)
    return found


def interrupt(driver: Driver) -> list[str]:
    """Send Ctrl-C to a driver, and return what is wrong with its end."""
    driver.permitted = {128 + signal.SIGINT}
    driver.process.send_signal(signal.SIGINT)
    start = time.monotonic()
    try:
        driver.process.wait(END_S)
    except subprocess.TimeoutExpired:
        return [f"still running {END_S:g} s after Ctrl-C"]
    print(f"  Ctrl-C ended a driver after {time.monotonic() - start:.1f} s", flush=True)
    return []


def run_scenario(
    scenario: Scenario, trial: Trial, server: subprocess.Popen[str], seed: str, reference: Path
) -> list[str]:
    """Do a scenario, print what happened, and return its problems."""
    packs = random.Random(f"{seed}-{scenario.name}").randint(1, PACKS // 2)
    trial.prepare()
    start = time.monotonic()
    drivers = [trial.start(*scenario.options) for _ in range(scenario.drivers)]
    found = []
    if scenario.stopped_s:
        for driver in drivers:
            driver.permitted |= {1}
        found += stop_in_the_middle(scenario, trial, server, packs, drivers)
    found += [problem for driver in drivers for problem in wait(driver, PATIENCE_S)]
    outage = f", stopped for {scenario.stopped_s:g} s after {packs} packs" if scenario.stopped_s else ""
    codes = [driver.process.returncode for driver in drivers]
    print(
        f"{scenario.name}{outage}: {time.monotonic() - start:.0f} s, exit codes {codes}, trained"
        f" {[trained(driver) for driver in drivers]}",
        flush=True,
    )
    if any(codes):
        drivers.append(trial.start(*scenario.options))
        found += wait(drivers[-1], PATIENCE_S)
        print(f"  repeated: exit code {drivers[-1].process.returncode}, trained {trained(drivers[-1])}")
        for driver in drivers:
            print("  " + driver.output.read_text().strip().replace("\n", "\n  "))
    if sum(map(trained, drivers)) != RUNS and not scenario.ctrl_c:
        found.append(f"the drivers do not report {RUNS} trained runs")
    if any("discarded" in driver.output.read_text() for driver in drivers):
        found.append("a training was discarded")
    if scenario.on_server:
        copy_to_folder(trial)
    return found + problems(trial, reference)


def trained(driver: Driver) -> int:
    """Return the number of runs that a driver reports as trained."""
    match = re.search(r"(\d+) runs? trained", driver.output.read_text())
    return int(match[1]) if match else 0


def copy_to_folder(trial: Trial) -> None:
    """Copy the objects of a store to the trial's folder."""
    backend = open_store(trial.uri).backend
    for folder in paths.FOLDERS:
        for file in backend.list_files(folder):
            (trial.store / file.path).parent.mkdir(parents=True, exist_ok=True)
            (trial.store / file.path).write_bytes(backend.get(file.path))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("scenarios", nargs="*", help=", ".join(scenario.name for scenario in SCENARIOS))
    parser.add_argument("--seed", default="0")
    arguments = parser.parse_args()
    # A shell lets its background processes ignore SIGINT, which they would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    chosen = [item for item in SCENARIOS if item.name in (arguments.scenarios or [item.name])]
    root, failed = Path(tempfile.mkdtemp(prefix="o")), 0  # a short name for Ray's sockets
    reference = Trial(root / "reference", STUDY)
    reference.prepare()
    if wrong := wait(reference.start(*IN_PROCESS), PATIENCE_S):
        print(f"the undisturbed sweep failed: {wrong}, see {reference.folder}")
        return 1
    with server_process() as server:
        for number, scenario in enumerate(chosen):
            uri = f"s3://{BUCKET}/{scenario.name}" if scenario.on_server else ""
            trial = Trial(root / str(number), STUDY, uri)
            found = run_scenario(scenario, trial, server, arguments.seed, reference.store)
            for problem in found:
                print(f"  {problem}", flush=True)
            failed += bool(found)
            if not found:
                shutil.rmtree(trial.folder)
    if not failed:
        shutil.rmtree(root)
    print(f"{len(chosen) - failed} of {len(chosen)} scenarios: each run trained once, and identical")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
