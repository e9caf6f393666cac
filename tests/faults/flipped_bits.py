"""Every single flipped bit of a part is refused, or changes nothing that readers see.

    python -m tests.faults.flipped_bits                 # each bit of the table runs
    python -m tests.faults.flipped_bits --kind epochs   # or of another table
    python -m tests.faults.flipped_bits --step 101      # a sample

The part is one of a committed store, or with ``--runs`` a new part with as many planted runs.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from collections import Counter
from pathlib import Path

import pyarrow as pa

from scaling.errors import StoreDamageWarning
from scaling.store import Store, open_store, paths
from scaling.store.folder import FolderBackend
from tests.store.planted_store import plant

PUBLISHED = Path(__file__).parents[2] / "artifacts" / "published" / "store"


class FlippedBackend(FolderBackend):
    """A folder with one file whose content is another."""

    def __init__(self, root: Path, path: str, data: bytes) -> None:
        super().__init__(root)
        object.__setattr__(self, "flipped", (path, data))

    def get(self, path: str) -> bytes:
        flipped_path, data = self.flipped  # type: ignore[attr-defined]
        return data if path == flipped_path else super().get(path)


def read(store: Store, kind: str) -> pa.Table:
    return store.epochs() if kind == "epochs" else store.runs()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kind", choices=("runs", "epochs"), default="runs")
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--runs", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "store"
        copy_part(root) if not options.runs else plant_part(root, options.runs)
        check(root, options.kind, options.step)


def plant_part(root: Path, runs: int) -> None:
    open_store(root).publish(plant([f"{run:020x}" for run in range(runs)]))


def copy_part(root: Path) -> None:
    """Copy the smallest committed part."""
    smallest = min((PUBLISHED / "runs").iterdir(), key=lambda file: file.stat().st_size)
    for kind in paths.PART_TABLES:
        source = PUBLISHED / kind / smallest.name
        if source.exists():
            FolderBackend(root).put_if_absent(f"{kind}/{source.name}", source.read_bytes())


def check(root: Path, kind: str, step: int) -> None:
    (file,) = (root / kind).iterdir()
    path, data = f"{kind}/{file.name}", file.read_bytes()
    expected, outcomes = read(open_store(root), kind), Counter[str]()
    for bit in range(0, 8 * len(data), step):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        store = Store(FlippedBackend(root, path, bytes(flipped)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", StoreDamageWarning)
            table = read(store, kind)
        if store.damage and not len(table):
            outcomes["refused"] += 1
        elif not store.damage and table.equals(expected):
            outcomes["harmless"] += 1
        else:
            outcomes["changed"] += 1
            print(f"bit {bit} of {path} changes what is read")
    print(f"{path}: {8 * len(data):,} bits, of which tried: {dict(outcomes)}")
    if outcomes["changed"]:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
