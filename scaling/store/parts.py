"""The parts of one backend: which runs stand in which, and their tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from scaling.store import paths
from scaling.store.backend import Backend
from scaling.store.codec import decode

Made = dict[str, int]
"""When each run of a part was made: microseconds since 1970, by id."""


class Parts:
    """What a backend holds. A part never changes, so its ids are read once in the life of this object."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._made: dict[str, Made] = {}

    def made(self) -> dict[str, Made]:
        """The runs of each part that is there now."""
        present = paths.part_names(self.backend.names("runs"))
        unread = [part for part in present if part not in self._made]
        for part, table in zip(unread, self.tables("runs", unread, ["id", "created_at"]), strict=True):
            created = table["created_at"].cast(pa.int64())
            self._made[part] = dict(zip(table["id"].to_pylist(), created.to_pylist(), strict=True))
        return {part: self._made[part] for part in present}

    def tables(self, kind: str, parts: Sequence[str], columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """One table of each of these parts, in this order."""
        files = [paths.part(kind, part) for part in parts]
        for part, file, data in zip(parts, files, self.backend.get_all(files), strict=True):
            commit = "it" if kind == "runs" else self.backend.where(paths.part("runs", part))
            remedy = f"delete {commit}; its runs will be trained again"
            yield decode(data, kind, name=self.backend.where(file), remedy=remedy, columns=columns)
