"""Memory of the driver during a sweep of many tiny runs, and the time to read its store after a compaction.

    python -m tests.faults.long_sweep --runs 10000
    python -m tests.faults.long_sweep --runs 10000 --ray

The driver is a process of its own: in process it also trains, under Ray it only schedules. Its memory is
sampled against the number of packs in the store. After the libraries' own start, it must stay flat.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from scaling.store import compact, open_store
from tests.faults.compacted_store import report

STUDY = """\
study: long
dataset: {{type: synthetic, size: 50, test_size: 20, side: 10}}
architectures:
  - {{type: tree3, rows: 1, branches: 2, filters: 1}}
recipe: {{epochs: 1, batch_size: 50, learning_rate: 0.1, precision: fp32}}
seeds: {runs}
"""
SAMPLES = 20
"""Number of lines that the report has."""


@dataclass(frozen=True)
class Sample:
    """Memory of the driver at one time."""

    packs: int
    """Number of packs in the store."""
    mib: float


def sample_memory(command: list[str], store: Path, *, folder: Path) -> list[Sample]:
    """Run a sweep, and return the memory of its driver each time that packs were added."""
    samples: list[Sample] = []
    with subprocess.Popen(command, cwd=folder) as process:
        driver = psutil.Process(process.pid)
        while process.poll() is None:
            time.sleep(0.2)
            try:
                rss, packs = driver.memory_info().rss, len(list((store / "runs").iterdir()))
            except (psutil.Error, FileNotFoundError):
                continue
            if packs and (not samples or packs > samples[-1].packs):
                samples.append(Sample(packs=packs, mib=rss / 2**20))
    if process.returncode:
        raise SystemExit(process.returncode)
    return samples


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--ray", action="store_true", help="train in workers of Ray")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        study, store = folder / "study.yaml", folder / "store"
        study.write_text(STUDY.format(runs=options.runs))
        command = [sys.executable, "-m", "scaling", "run", str(study), "--store", str(store), "--quiet"]
        mode = ["--set", "resources.engine=ray"] if options.ray else ["--in-process"]
        samples = sample_memory([*command, *mode], store, folder=folder)
        for sample in samples[:: max(1, len(samples) // SAMPLES)]:
            print(f"{sample.packs:6,} packs: {sample.mib:7.1f} MiB")
        half = next(sample for sample in samples if 2 * sample.packs >= samples[-1].packs)
        growth = (samples[-1].mib - half.mib) / (samples[-1].packs - half.packs)
        print(f"growth in the second half: {growth * 1024:.1f} KiB a pack")
        report(store)
        print(compact(open_store(store)))
        report(store)


if __name__ == "__main__":
    main()
