"""Time to read 10,000 tiny runs from a store with a part for each pack, and after its compaction.

python -m tests.faults.compacted_store
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scaling.store import compact, open_store
from scaling.store.publish import put_part, put_test_sets
from tests.store.planted_store import plant

PACK = 8
READ = """
import sys, time
start_s, start_cpu_s = time.perf_counter(), time.process_time()
from scaling.store import open_store
store = open_store(sys.argv[1])
runs, epochs = store.runs(), store.epochs()
print(f"{len(runs):,} runs, {len(epochs):,} epochs: {time.perf_counter() - start_s:.2f} s,"
      f" {time.process_time() - start_cpu_s:.2f} s of CPU")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "store"
        store = open_store(root)
        for pack in range(0, options.runs, PACK):
            tables = plant([f"{run:020x}" for run in range(pack, pack + PACK)], second=pack)
            put_test_sets(tables.pop("test_sets"), store.backend)
            put_part(tables, {}, backend=store.backend)
        report(root)
        start_s = time.process_time()
        print(f"{compact(open_store(root))}: {time.process_time() - start_s:.2f} s of CPU")
        report(root)


def report(root: Path) -> None:
    files = sum(path.is_file() for path in root.rglob("*"))
    command = [sys.executable, "-c", READ, str(root)]
    read = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    print(f"{files:,} files, a fresh process reads {read}", end="")


if __name__ == "__main__":
    main()
