"""Cut the power at random points of claiming and publishing, and read what a disk may hold afterwards.

A recorder notes every change of the file system that a publication in a folder makes, and every fsync. After
a cut, a change that no fsync has completed may be on the disk or not, independently of the others: an entry
of a folder until the folder is synced, a file's content until the file is synced. Content that is not synced
can also be torn. This is what POSIX permits; file systems with a journal lose less.

python -m simulations.power_loss [--cuts 500] [--seed 0]
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import pyarrow as pa

from scaling.store import Claims, Store, open_store, verify

CUTS = 500


class Lost(AssertionError):
    """Something that was called published is not in the store, or the store is damaged."""


@dataclass(frozen=True, slots=True)
class _Change:
    """A change of the file system, an fsync, or the end of a publication (``published``)."""

    kind: str
    path: str = ""
    inode: int = 0
    content: bytes = b""
    published: int = 0


@dataclass
class Recorder:
    """All changes below a folder, in their order."""

    root: Path
    changes: list[_Change] = field(default_factory=list)

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record the changes that this process makes inside the block."""
        with (
            mock.patch("os.mkdir", self._after(os.mkdir, self._note_mkdir)),
            mock.patch("os.link", self._after(os.link, self._note_link)),
            mock.patch("os.unlink", self._after(os.unlink, self._note_unlink)),
            mock.patch("os.fsync", self._after(os.fsync, self._note_fsync)),
        ):
            yield

    def note_published(self, number: int) -> None:
        """Note that the store called a publication successful."""
        self.changes.append(_Change("published", published=number))

    @staticmethod
    def _after(call: Callable[..., Any], note: Callable[..., None]) -> Callable[..., Any]:
        def recorded(*arguments: Any, **options: Any) -> Any:
            result = call(*arguments, **options)
            note(*arguments)
            return result

        return recorded

    def _note_mkdir(self, path: Path, *mode: int) -> None:
        self.changes.append(_Change("mkdir", self._relative(path)))

    def _note_link(self, source: Path, path: Path) -> None:
        file = Path(path)
        self.changes.append(_Change("link", self._relative(file), file.stat().st_ino, file.read_bytes()))

    def _note_unlink(self, path: Path) -> None:
        self.changes.append(_Change("unlink", self._relative(path)))

    def _note_fsync(self, descriptor: int) -> None:
        file = Path(f"/proc/self/fd/{descriptor}").readlink()
        if file.is_dir():
            self.changes.append(_Change("fsync folder", self._relative(file)))
        else:
            self.changes.append(_Change("fsync file", "", file.stat().st_ino, file.read_bytes()))

    def _relative(self, path: Path) -> str:
        return str(Path(path).relative_to(self.root))


def disk_after(changes: Sequence[_Change], random: Random) -> dict[str, bytes | None]:
    """Return what a disk may hold after these changes and a power failure: contents, or None for folders."""
    synced: dict[int, bytes] = {}
    contents: dict[int, bytes] = {}
    durable: dict[str, int | None] = {}
    pending: list[_Change] = []
    for change in changes:
        if change.kind == "fsync file":
            synced[change.inode] = change.content
        elif change.kind == "fsync folder":
            for entry in [entry for entry in pending if _folder(entry.path) == change.path]:
                _apply(entry, durable)
                pending.remove(entry)
        elif change.kind != "published":
            contents[change.inode] = change.content
            pending.append(change)
    for entry in pending:
        if random.random() < 0.5:
            _apply(entry, durable)
    files: dict[str, bytes | None] = {}
    for path, inode in sorted(durable.items()):
        if path != "." and _folder(path) != "." and _folder(path) not in files:
            continue  # its folder is lost
        files[path] = None if inode is None else synced.get(inode, _torn(contents.get(inode, b""), random))
    return files


def _apply(entry: _Change, durable: dict[str, int | None]) -> None:
    if entry.kind == "unlink":
        durable.pop(entry.path, None)
    else:
        durable[entry.path] = entry.inode if entry.kind == "link" else None


def _torn(content: bytes, random: Random) -> bytes:
    kept = random.randrange(len(content) + 1)
    return content[:kept] + random.choice((b"", bytes(len(content) - kept)))


def _folder(path: str) -> str:
    return path.rpartition("/")[0] or "."


@dataclass
class PowerLoss:
    """Publications whose changes are recorded once, and cut at any point.

    Args:
        folder: an empty folder.
        publications: tables of each publication; each holds runs of its own.
    """

    folder: Path
    publications: Sequence[dict[str, pa.Table]]
    changes: Sequence[_Change] = ()

    def record(self) -> None:
        """Claim and publish everything in a new store."""
        root = self.folder / "recorded"
        root.mkdir()
        recorder = Recorder(root)
        store = open_store(root / "store")
        with recorder.recording():
            for number, tables in enumerate(self.publications):
                claim = Claims(store, owner="worker", lease_s=1.0).try_acquire(f"pack{number}")
                if claim is None:
                    raise ValueError("no other worker claims packs here")
                claim.renew()
                store.publish(tables, weights=_weights(tables), commit=claim.commit)
                recorder.note_published(number)
                claim.release()
        self.changes = recorder.changes

    def cut(self, seed: int) -> str:
        """Cut the power at a random point, read the disk, publish again, and return where the cut was.

        Raises:
            Lost: a publication is lost or incomplete.
        """
        random = Random(seed)
        at = random.randrange(len(self.changes) + 1)
        root = self.folder / f"cut{seed}"
        for path, content in disk_after(self.changes[:at], random).items():
            file = root / path
            if content is None:
                file.mkdir(parents=True)
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
        store = open_store(root / "store")
        published = {change.published for change in self.changes[:at] if change.kind == "published"}
        present = store.ids()
        if lost := {run for number in published for run in _ids(self.publications[number])} - present:
            raise Lost(f"{sorted(lost)} are lost by a cut after change {at}")
        self._verify(store, [tables for tables in self.publications if present & set(_ids(tables))], at)
        for tables in self.publications:
            store.publish(tables, weights=_weights(tables))
        self._verify(store, self.publications, at)
        return self.changes[at - 1].kind if at else "nothing"

    def _verify(self, store: Store, publications: Sequence[dict[str, pa.Table]], at: int) -> None:
        """Check that exactly these publications are in the store, whole and unchanged."""
        if not publications:
            return
        expected = pa.concat_tables([tables["runs"] for tables in publications])
        ids = _ids({"runs": expected})
        if damage := verify(store).damage:
            raise Lost(f"a cut after change {at} damages {sorted(file.path for file in damage)}")
        if not (store.runs().equals(expected.sort_by("id")) and len(store.predictions(ids)) == len(ids)):
            raise Lost(f"runs {ids} are not whole after a cut after change {at}")


def _ids(tables: dict[str, pa.Table]) -> list[str]:
    ids: list[str] = tables["runs"]["id"].to_pylist()
    return ids


def _weights(tables: dict[str, pa.Table]) -> dict[str, bytes]:
    return {run: f"weights of {run}".encode() for run in _ids(tables)}


def main() -> int:
    """Cut the power, print where, and return the exit code."""
    from tests.store.planted_store import plant

    parser = argparse.ArgumentParser(
        prog="python -m simulations.power_loss", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--cuts", type=int, default=CUTS, help="number of power failures (%(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first (%(default)s)")
    arguments = parser.parse_args()
    where = Counter[str]()
    with tempfile.TemporaryDirectory(prefix="scaling-power-loss-") as folder:
        power = PowerLoss(Path(folder), [plant([f"{n}a", f"{n}b"], draw=n) for n in range(3)])
        power.record()
        for seed in range(arguments.seed, arguments.seed + arguments.cuts):
            where[power.cut(seed)] += 1
    last = arguments.seed + arguments.cuts - 1
    print(
        f"seeds {arguments.seed} to {last}: power failures at random points of {len(power.changes)} changes"
    )
    print("nothing that was called published is lost, and everything that is there is whole; cuts:")
    print(", ".join(f"{number} after {kind}" for kind, number in where.most_common()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
