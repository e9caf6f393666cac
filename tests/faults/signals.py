"""Signals against real sweeps: SIGTERM, the end of a terminal, Ctrl+C once and twice, and to a worker.

    python -m tests.faults.signals [SCENARIO ...]

Each scenario starts a sweep, sends signals in the middle of a pack or while workers start, and checks the
exit code, the time, the message, and that no claim is held and no process is left. Then the same command runs
to the end: each run is published once, with the bits of an undisturbed sweep. It takes several minutes.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from scaling.store import Store, open_store
from scaling.store.claims import read_claim_state

STUDY = """\
study: signals
dataset: {type: synthetic, size: 600, test_size: 200, side: 10, noise: 0.6}
architectures:
  - {type: tree3, rows: 1, branches: 2, filters: [1, 2, 3]}
recipe: {epochs: 8, batch_size: 2, learning_rate: 0.1}
seeds: 2
"""
LAST_WORDS = "interrupted; every finished run is in the store, and the same command continues from there\n"
ROOT = Path(__file__).parents[2]
SERVER = "worker_server"
"""Part of the command line of the server of worker processes, and of its workers."""
PATIENCE_S = 600.0
"""Time after which a sweep that hangs fails; this machine may be busy."""
ORPHANS_S = 2.0
"""Time within which Ray's processes end that a second Ctrl-C leaves without their parent."""

RAY_START_S = 5.0
"""Limit for two Ctrl-C while Ray starts: its C++ part holds the interpreter for up to three seconds, during
which no handler of Python runs."""


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """Signals to a sweep."""

    name: str
    options: Sequence[str]
    """Options of ``scaling run``."""
    signals: Sequence[int]
    """Signals to the driver, 0.3 s apart."""
    code: int
    """Expected exit code."""
    limit_s: float = 10.0
    """Longest time from the first signal to the end of the process."""
    starting: bool = False
    """True to send the signals while workers start, not in the middle of a pack."""
    to_worker: bool = False
    """True to send SIGTERM to the workers; the sweep goes on."""
    to_group: bool = False
    """True to send the signals to all processes of the command, as the end of a terminal does."""
    to_family: bool = False
    """True to send the signals to the driver and all of its descendants, as the end of a job does."""
    releases: bool = True
    """True if no claim may be held afterwards."""


ENGINES = ("processes", "ray")
SCENARIOS = [
    Scenario(name="in-process-term", options=["--in-process"], signals=[signal.SIGTERM], code=143),
    Scenario(name="in-process-term-term", options=["--in-process"], signals=[signal.SIGTERM] * 2, code=143),
    Scenario(name="in-process-int", options=["--in-process"], signals=[signal.SIGINT], code=130),
    Scenario(
        name="in-process-hup",
        options=["--in-process"],
        signals=[signal.SIGHUP] * 2,
        code=129,
        to_group=True,
    ),
    *(
        scenario
        for engine in ENGINES
        for options in [["--set", f"resources.engine={engine}"]]
        for scenario in (
            Scenario(
                name=f"{engine}-hup",
                options=options,
                signals=[signal.SIGHUP] * 2,
                code=129,
                to_group=True,
            ),
            Scenario(name=f"{engine}-term", options=options, signals=[signal.SIGTERM], code=143),
            Scenario(
                name=f"{engine}-term-all",
                options=options,
                signals=[signal.SIGTERM],
                code=143,
                to_family=True,
            ),
            Scenario(name=f"{engine}-int", options=options, signals=[signal.SIGINT], code=130, to_group=True),
            Scenario(
                name=f"{engine}-int-int",
                options=options,
                signals=[signal.SIGINT] * 2,
                code=130,
                limit_s=2.0,
                releases=False,
            ),
            Scenario(
                name=f"{engine}-start-term",
                options=options,
                signals=[signal.SIGTERM],
                code=143,
                starting=True,
            ),
            Scenario(
                name=f"{engine}-start-int-int",
                options=options,
                signals=[signal.SIGINT] * 2,
                code=130,
                limit_s=RAY_START_S if engine == "ray" else 2.0,
                starting=True,
            ),
            Scenario(name=f"{engine}-worker-term", options=options, signals=[], code=0, to_worker=True),
        )
    ),
]


def main(names: Sequence[str]) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study = folder / "signals.yaml"
        study.write_text(STUDY)
        start(study, folder / "reference", ["--in-process"]).communicate(timeout=PATIENCE_S)
        reference = bits(folder / "reference")
        problems = [
            f"{scenario.name}: {problem}"
            for scenario in SCENARIOS
            if not names or scenario.name in names
            for problem in check(scenario, study, folder / scenario.name, reference)
        ]
        if not names or "bench-term" in names:
            problems += [f"bench-term: {problem}" for problem in check_bench(folder)]
    print("\n".join(problems) or "no problems")
    return bool(problems)


def check(scenario: Scenario, study: Path, folder: Path, reference: list[pa.Table]) -> Iterator[str]:
    """Run a scenario, and yield what is wrong."""
    store = open_store(folder)
    process = start(study, folder, scenario.options)
    if scenario.starting:
        wait_for(lambda: any(name in commands(descendants(process.pid)) for name in ("raylet", SERVER)))
    else:
        wait_for(lambda: bool(held_claims(store)) and (bool(store.ids()) or scenario.to_worker))
        time.sleep(1)  # the pack is in training
    begun = descendants(process.pid)
    start_s = time.monotonic()
    if scenario.to_worker:
        for pid in begun:
            if "Trainable" in commands([pid]) or pid in local_workers(process.pid):
                os.kill(pid, signal.SIGTERM)
    for number, signum in enumerate(scenario.signals):
        time.sleep(0.3 if number else 0)
        if scenario.to_family:
            for pid in (process.pid, *begun):
                with suppress(ProcessLookupError):
                    os.kill(pid, signum)
        elif scenario.to_group:
            os.killpg(process.pid, signum)
        else:
            process.send_signal(signum)
    out, err = process.communicate(timeout=PATIENCE_S)
    took_s = time.monotonic() - start_s
    held, checkpoints = held_claims(store), checkpoint_count(folder)
    print(
        f"{scenario.name}: exit {process.returncode} after {took_s:.1f} s, {len(store.ids())} of 6 runs,"
        f" {checkpoints} checkpoints, {len(held)} claims held",
        flush=True,
    )
    if process.returncode != scenario.code:
        yield f"exit code {process.returncode}: {out}{err}"
    if scenario.signals and (took_s > scenario.limit_s or err != LAST_WORDS):
        yield f"ended after {took_s:.1f} s with {err!r}"
    if scenario.releases and held:
        yield f"held claims: {held}"
    if scenario.releases and not (scenario.starting or scenario.to_worker or checkpoints):
        yield "no checkpoint"
    ended_s = time.monotonic()
    while left := commands(begun).split():
        if time.monotonic() - ended_s > ORPHANS_S:
            yield f"processes left: {' '.join(left)}"
            break
        time.sleep(0.1)
    print(f"{scenario.name}: no process after {time.monotonic() - ended_s:.1f} s", flush=True)
    last = start(study, folder, ["--in-process"])
    out, err = last.communicate(timeout=PATIENCE_S)
    if last.returncode or bits(folder) != reference:
        yield f"not the bits of the reference, exit code {last.returncode}: {out}{err}"
    if checkpoint_count(folder):
        yield "checkpoints left"


def check_bench(folder: Path) -> Iterator[str]:
    """Send SIGTERM to ``scaling bench`` in the middle of a step, and yield what is wrong."""
    process = start_command(["bench", "--workers", "2", "--quiet", "--out", folder / "speed.json"], folder)

    def measuring() -> list[int]:
        return [pid for pid in descendants(process.pid) if "spawn_main" in commands([pid])]

    wait_for(lambda: len(measuring()) == 2 and all(cpu_seconds(pid) > 4 for pid in measuring()))
    begun = descendants(process.pid)
    start_s = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE_S)
    took_s = time.monotonic() - start_s
    print(f"bench-term: exit {process.returncode} after {took_s:.1f} s", flush=True)
    if process.returncode != 143 or took_s > 10 or err != LAST_WORDS:
        yield f"exit {process.returncode} after {took_s:.1f} s with {err!r}"
    if left := [command for pid in begun if (command := commands([pid]))]:
        yield f"processes left: {left}"


def start(study: Path, store: Path, options: Sequence[str]) -> subprocess.Popen[str]:
    return start_command(["run", study, "--store", store, "--quiet", *options], study.parent)


def start_command(words: Sequence[str | Path], folder: Path) -> subprocess.Popen[str]:
    # A shell lets its background processes ignore SIGINT, which they would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    return subprocess.Popen(
        [sys.executable, "-m", "scaling", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=folder,
        start_new_session=True,
    )


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the sweep does not come to the point where signals are sent")
        time.sleep(0.05)


def held_claims(store: Store) -> list[str]:
    """Return the keys of the packs whose claim is held."""
    folder = Path(store.backend.full_name("claims"))
    states = {key.name: read_claim_state(store.backend, key.name) for key in folder.glob("[!.]*")}
    return [key for key, state in states.items() if state.generation and not state.released]


def checkpoint_count(store: Path) -> int:
    return len(list(store.glob("checkpoints/*/*.safetensors")))


def bits(store: Path) -> list[pa.Table]:
    """Return what no interruption may change, from all parts: a run that is published twice has two rows."""
    columns = {
        "runs": ["id", "test_error", "train_error", "zero_gradients"],
        "epochs": ["id", "epoch", "train_loss", "train_accuracy", "test_loss", "zero_gradients"],
        "predictions": ["id", "logits"],
    }
    return [
        pa.concat_tables(pq.read_table(part, columns=names) for part in (store / kind).glob("*.parquet"))
        .sort_by([(name, "ascending") for name in names[:2] if name in ("id", "epoch")])
        .combine_chunks()
        for kind, names in columns.items()
    ]


def descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        direct = [int(child) for child in children.read_text().split()]
    except OSError:
        return []
    return direct + [deeper for child in direct for deeper in descendants(child)]


def local_workers(pid: int) -> list[int]:
    """Return the worker processes of a driver without Ray: the children of its server."""
    servers = [child for child in descendants(pid) if SERVER in commands([child])]
    return [worker for server in servers for worker in descendants(server)]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def commands(pids: Sequence[int]) -> str:
    """Return the command lines of the processes that live."""
    texts = []
    for pid in pids:
        try:
            texts.append(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return " ".join(texts)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
