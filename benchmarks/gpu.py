"""Training on a GPU: equality with the CPU, speed, other ways to train, and a whole study.

python -m benchmarks gpu            # within eight minutes
python -m benchmarks.gpu PART S N   # one part, whose cases start within S seconds, N rounds; lines of JSON

Each part runs in a process of its own, so that a part that fails or takes too long spoils no other part:
after a kernel that failed, a process cannot use the GPU any more. Without a GPU, all parts run at toy sizes
in this process, and nothing is recorded.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from threading import Thread
from time import monotonic

import torch

from benchmarks.commands import ROOT
from benchmarks.gpu_convolutions import measure_convolutions
from benchmarks.gpu_equality import measure_equality
from benchmarks.gpu_rivals import measure_rivals
from benchmarks.gpu_setup import NAME, TOY, Setup, Sizes, Skipped, make_setup
from benchmarks.gpu_speed import measure_packs_at_once, measure_speed
from benchmarks.gpu_study import measure_study
from benchmarks.measurement import Measurement
from scaling.train.pack import select_device
from scaling.train.runtime import training_runtime

TOTAL_S = 440.0
"""Time of all parts together."""
_START_S = 10.0
"""Time to import the libraries and to load the images, which a part's own deadline leaves out."""
_LEAST_S = 20.0
"""A part with less time is skipped: it would spend the time on its start."""
_STOP_S = 15.0
"""Time between the two signals that end a part: the first one asks, the second one kills."""
_SHOWN_LINES = 5
"""Number of last lines of a failed part that are shown."""


@dataclass(frozen=True)
class Part:
    """One part of the benchmark."""

    name: str
    seconds: float
    """Longest time on a GPU."""
    measure: Callable[[Setup], Iterator[Measurement | Skipped]]
    uses_ray: bool = False
    """True if the part trains through Ray, which sets up the processes of its workers itself."""


PARTS = (
    Part("equality", 50, measure_equality),
    Part("speed", 120, measure_speed),
    Part("study", 110, measure_study, uses_ray=True),
    Part("packs_at_once", 40, measure_packs_at_once),
    Part("convolutions", 35, measure_convolutions),
    Part("rivals", 100, measure_rivals),
)
"""All parts, the most important ones first; the last ones are skipped if the time runs out."""


def measure(rounds: int, parts: Sequence[Part] = PARTS) -> list[Measurement]:
    """Print each result as it comes, and return all results; none without a GPU."""
    if not torch.cuda.is_available():
        print("No GPU: all parts run at toy sizes on the CPU, and nothing is recorded.", flush=True)
        for part in parts:
            for result in run_part(part, torch.device("cpu"), TOY, part.seconds):
                _print_result(result)
        return []
    print(f"{torch.cuda.get_device_name()}: {TOTAL_S:.0f} s at most", flush=True)
    end_s, measurements = monotonic() + TOTAL_S, []
    for part in parts:
        left_s = min(part.seconds, end_s - monotonic() - _STOP_S)
        if left_s < _LEAST_S:
            _print_result(Skipped(part.name, "no time left"))
            continue
        own_s = f"{left_s - _START_S:.0f}"
        command = [sys.executable, "-m", "benchmarks.gpu", part.name, own_s, str(rounds)]
        for result in run_isolated(command, part.name, left_s):
            if isinstance(result, Measurement):
                measurements.append(result)
    return measurements


def run_part(
    part: Part, device: torch.device, sizes: Sizes, seconds: float
) -> Iterator[Measurement | Skipped]:
    """Run a part in this process."""
    setup = make_setup(device, sizes, seconds)
    if part.uses_ray:
        yield from part.measure(setup)
        return
    with training_runtime():
        yield from part.measure(setup)


def run_isolated(command: Sequence[str], name: str, seconds: float) -> list[Measurement | Skipped]:
    """Run a part in a process of its own, print its results as they come, and return them.

    Args:
        command: the process, which writes one line of JSON a result.
        name: name of the part.
        seconds: time after which the process is stopped.
    """
    results: list[Measurement | Skipped] = []
    other_lines: list[str] = []

    def read(lines: Iterator[str]) -> None:
        for line in lines:
            result = decode(line)
            if result is None:
                other_lines.append(line.rstrip())
            else:
                results.append(result)
                _print_result(result)

    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, **output)
    assert process.stdout is not None
    reader = Thread(target=read, args=(iter(process.stdout),), daemon=True)
    reader.start()
    reason = ""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        reason = f"stopped after {seconds:.0f} s"
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_STOP_S)
    with suppress(ProcessLookupError):  # also what the process has started and left
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    reader.join(timeout=_STOP_S)
    if not reader.is_alive():  # a process of another group may keep the pipe open
        process.stdout.close()
    if not reason and process.returncode:
        reason = f"exit code {process.returncode}: {' | '.join(other_lines[-_SHOWN_LINES:])}"
    if reason:
        results.append(Skipped(name, reason))
        _print_result(results[-1])
    return results


def encode(result: Measurement | Skipped) -> str:
    """Return a result as a line of JSON."""
    if isinstance(result, Skipped):
        return json.dumps({"skipped": vars(result)})
    return json.dumps({"measured": result.to_dict()})


def decode(line: str) -> Measurement | Skipped | None:
    """Return the result in a line; None for a line of another kind."""
    try:
        content = json.loads(line)
        if "skipped" in content:
            return Skipped(**content["skipped"])
        return Measurement(benchmark=NAME, **content["measured"])
    except (ValueError, TypeError, KeyError):
        return None


def _print_result(result: Measurement | Skipped) -> None:
    if isinstance(result, Skipped):
        text = f"{result.case}: skipped: {result.reason}"
    else:
        note = f" ({result.note})" if result.note else ""
        text = f"{result.case}: {result.quantity}: {result.value:,.4g} {result.unit}{note}"
    print(text, flush=True)


def main() -> None:
    name, seconds, rounds = sys.argv[1:]
    (part,) = (part for part in PARTS if part.name == name)
    device = select_device("auto")
    sizes = replace(TOY if device.type == "cpu" else Sizes(), rounds=int(rounds))
    for result in run_part(part, device, sizes, float(seconds)):
        print(encode(result), flush=True)


if __name__ == "__main__":
    main()
