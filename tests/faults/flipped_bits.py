"""Every single flipped bit of a part's table ``runs`` is refused.

    python -m tests.faults.flipped_bits               # the smallest committed part, of the first version
    python -m tests.faults.flipped_bits --runs 8      # a new part with as many planted runs

The check of the name, which every reader makes first, sees the table with each bit flipped in turn. Of every
``--step``-th of them a store is read as well; it must leave out the part, or read what it read before.
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
from scaling.store.part_hashes import has_own_name
from tests.store.planted_store import plant

PUBLISHED = Path(__file__).parents[2] / "artifacts" / "published" / "store"


class FlippedBackend(FolderBackend):
    """A folder with one file whose content is another."""

    def __init__(self, root: Path, path: str, data: bytes) -> None:
        super().__init__(root)
        object.__setattr__(self, "flipped", (path, data))

    def get(self, path: str, *, max_bytes: int | None = None) -> bytes:
        flipped_path, data = self.flipped  # type: ignore[attr-defined]
        return data if path == flipped_path else super().get(path, max_bytes=max_bytes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--step", type=int, default=211)
    parser.add_argument("--runs", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name) / "store"
        copy_part(root) if not options.runs else plant_part(root, options.runs)
        check(root, options.step)


def plant_part(root: Path, runs: int) -> None:
    open_store(root).publish(plant([f"{run:020x}" for run in range(runs)]))


def copy_part(root: Path) -> None:
    """Copy the smallest committed part."""
    smallest = min((PUBLISHED / "runs").iterdir(), key=lambda file: file.stat().st_size)
    for kind in paths.PART_TABLES:
        source = PUBLISHED / kind / smallest.name
        if source.exists():
            FolderBackend(root).put_if_absent(f"{kind}/{source.name}", source.read_bytes())


def check(root: Path, step: int) -> None:
    (file,) = (root / "runs").iterdir()
    backend, data, expected = FolderBackend(root), file.read_bytes(), open_store(root).runs()
    outcomes = Counter[str]()
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        outcomes["with its name" if has_own_name(file.stem, bytes(flipped), backend) else "refused"] += 1
        if bit % step == 0:
            outcomes[read(root, f"runs/{file.name}", bytes(flipped), expected)] += 1
    print(f"runs/{file.name}, {8 * len(data):,} bits: {dict(outcomes)}")
    if outcomes["with its name"] or outcomes["read: changed"]:
        raise SystemExit(1)


def read(root: Path, path: str, flipped: bytes, expected: pa.Table) -> str:
    store = Store(FlippedBackend(root, path, flipped))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoreDamageWarning)
        runs = store.runs()
    if store.damage and not len(runs):
        return "read: left out"
    return "read: harmless" if not store.damage and runs.equals(expected) else "read: changed"


if __name__ == "__main__":
    main()
