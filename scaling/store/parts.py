"""The parts of one backend: which runs stand in which, and their tables."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pyarrow as pa

from scaling.store import paths
from scaling.store.backend import Backend
from scaling.store.codec import decode_table

THREADS = min(4, os.cpu_count() or 1)
"""That decode; each releases Python's lock for most of its time."""
AT_ONCE = 64
"""Files that are held in memory."""
INDEX_COLUMNS = ("id", "created_at")
"""The columns of ``runs`` that say which run of a part counts."""


class Parts:
    """What a backend holds. A part never changes, so which runs it holds is read once in the life of this object."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._made: dict[str, pa.Table] = {}
        self._ids: dict[str, frozenset[str]] = {}

    def run_index(self) -> dict[str, pa.Table]:
        """Of each part that is there now: its runs, and when each was made."""
        present = paths.part_names(self.backend.list_names("runs"))
        unread = [part for part in present if part not in self._made]
        self._made |= zip(unread, self.tables("runs", unread, INDEX_COLUMNS), strict=True)
        return {part: self._made[part] for part in present}

    def ids(self) -> set[str]:
        """All runs that are there now."""
        run_index = self.run_index()
        # A worker asks at each publication, so what is new since then is all that is looked at.
        self._ids |= {
            part: frozenset(run_index[part]["id"].to_pylist()) for part in run_index.keys() - self._ids.keys()
        }
        return set().union(*(self._ids[part] for part in run_index))

    def runs(self, columns: Sequence[str] | None) -> dict[str, pa.Table]:
        """Of each part that is there now: its runs, and these columns of theirs; ``INDEX_COLUMNS`` must be among them."""
        present = paths.part_names(self.backend.list_names("runs"))
        tables = dict(zip(present, self.tables("runs", present, columns), strict=True))
        self._made |= {part: table.select(INDEX_COLUMNS) for part, table in tables.items()}
        return tables

    def tables(
        self, kind: str, parts: Sequence[str], columns: Sequence[str] | None = None
    ) -> Iterator[pa.Table]:
        """One table of each of these parts, in this order."""
        files = [paths.part(kind, part) for part in parts]

        def table(part: str, file: str, data: bytes) -> pa.Table:
            commit = "it" if kind == "runs" else self.backend.full_name(paths.part("runs", part))
            remedy = f"delete {commit}; its runs will be trained again"
            return decode_table(data, kind, name=self.backend.full_name(file), remedy=remedy, columns=columns)

        read = zip(parts, files, self.backend.get_all(files), strict=True)
        with ThreadPoolExecutor(THREADS) as pool:
            while some := list(
                islice(read, AT_ONCE)
            ):  # a pool by itself would take in all files before it gives back the first table
                yield from pool.map(table, *zip(*some, strict=True))
