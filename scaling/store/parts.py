"""Parts of one backend: the tables that each publication wrote, and the runs that they contain."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import pyarrow as pa

from scaling.store import paths
from scaling.store.backend import Backend
from scaling.store.parquet import decode_table

_DECODING_THREADS = min(4, os.cpu_count() or 1)
"""Number of threads that decode files; each releases Python's lock most of the time."""
_FILES_IN_MEMORY = 64

INDEX_COLUMNS = ("id", "created_at")
"""Columns of the runs table that decide which copy of a run counts."""


class Parts:
    """Parts of a backend. A part never changes, so this object reads the index of each part once.

    Args:
        backend: the folder or the bucket.
    """

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._run_index: dict[str, pa.Table] = {}
        self._ids: dict[str, frozenset[str]] = {}

    def run_index(self) -> dict[str, pa.Table]:
        """Return, for each part that exists now, its runs with the columns ``INDEX_COLUMNS``."""
        present = self._present()
        unread = [part for part in present if part not in self._run_index]
        self._run_index |= zip(unread, self.tables("runs", unread, columns=INDEX_COLUMNS), strict=True)
        return {part: self._run_index[part] for part in present}

    def ids(self) -> set[str]:
        """Return the ids of all runs that exist now."""
        index = self.run_index()
        # A worker asks at each publication, so only parts that are new since the last call are converted.
        self._ids |= {
            part: frozenset(index[part]["id"].to_pylist()) for part in index.keys() - self._ids.keys()
        }
        return set().union(*(self._ids[part] for part in index))

    def runs(self, columns: Sequence[str] | None) -> dict[str, pa.Table]:
        """Return, for each part that exists now, its runs with these columns.

        Args:
            columns: must include ``INDEX_COLUMNS``; by default all columns.
        """
        present = self._present()
        tables = dict(zip(present, self.tables("runs", present, columns=columns), strict=True))
        self._run_index |= {part: table.select(INDEX_COLUMNS) for part, table in tables.items()}
        return tables

    def tables(
        self, kind: str, parts: Sequence[str], *, columns: Sequence[str] | None = None
    ) -> Iterator[pa.Table]:
        """Yield one table for each of these parts, in the given order.

        Args:
            kind: name of the table, such as ``epochs``.
            parts: names of parts that have this table.
            columns: by default all columns.

        Raises:
            StoreError: a file cannot be read or decoded.
        """
        files = [paths.table_file(kind, part) for part in parts]

        def decode(part: str, file: str, data: bytes) -> pa.Table:
            commit_record = "it" if kind == "runs" else self.backend.full_name(paths.table_file("runs", part))
            hint = f"delete {commit_record}; its runs will be trained again"
            return decode_table(data, kind, name=self.backend.full_name(file), hint=hint, columns=columns)

        contents = zip(parts, files, self.backend.get_all(files), strict=True)
        with ThreadPoolExecutor(_DECODING_THREADS) as pool:
            # In blocks: the pool alone would read all files before it returns the first table.
            while block := list(islice(contents, _FILES_IN_MEMORY)):
                yield from pool.map(decode, *zip(*block, strict=True))

    def _present(self) -> list[str]:
        return paths.part_names(self.backend.list_names("runs"))
