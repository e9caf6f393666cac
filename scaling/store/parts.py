"""Parts of one backend: the tables that each publication wrote, and the runs that they contain."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from scaling.errors import StoreDamageWarning, StoreError
from scaling.store import paths
from scaling.store.backend import Backend, DamagedFileError, MissingFileError
from scaling.store.damage import Damage, describe_damage
from scaling.store.parquet import DecodedFile, decode_table
from scaling.store.table_check import find_bad_run

_DECODING_THREADS = min(4, os.cpu_count() or 1)
"""Number of threads that decode files; each releases Python's lock most of the time."""
_FILES_IN_MEMORY = 64
READ_ATTEMPTS = 10
"""Number of times that tables are read while compactions replace parts."""

INDEX_COLUMNS = ("id", "created_at")
"""Columns of the runs table that decide which copy of a run counts."""
FILES_METADATA = "scaling.files"
"""Metadata of a runs table: JSON with the SHA-256 of each further file of the part."""
LABELS_METADATA = "scaling.labels"
"""Metadata of a test set: the SHA-256 of its labels; older files lack it."""
FIRST_VERSION_TABLES = ("epochs", "predictions")
"""Tables that the names of the first parts hash, in this order, before ``runs``."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Parts of a backend at one instant."""

    index: Mapping[str, pa.Table]
    """For each part, its runs with the columns ``INDEX_COLUMNS``."""
    with_table: Mapping[str, frozenset[str]]
    """For each table that was asked for, the parts that have it."""


def hash_labels(test_set: pa.Table) -> str:
    """Return the SHA-256 of the labels of a test set."""
    return sha256(bytes(test_set["labels"][0].as_py())).hexdigest()


def has_own_name(part: str, runs: bytes, backend: Backend) -> bool:
    """Return whether the name of a part is the hash of its content.

    Args:
        part: name of the part.
        runs: content of its table ``runs``.
        backend: has the other tables, which the names of the first parts hash as well.
    """
    if paths.part_name(runs) == part:
        return True
    others = backend.get_all([paths.table_file(kind, part) for kind in FIRST_VERSION_TABLES])
    return paths.first_part_name([*(data for data in others if isinstance(data, bytes)), runs]) == part


class Parts:
    """Parts of a backend. A part never changes, so this object reads and checks each file once.

    What a damaged file held is left out, and a ``StoreDamageWarning`` says so.

    Args:
        backend: the folder or the bucket.
        warns: False if damage is only recorded.
    """

    def __init__(self, backend: Backend, *, warns: bool = True) -> None:
        self.backend, self.warns = backend, warns
        self.damage: dict[str, Damage] = {}
        """Damaged files that were found so far, by path."""
        self._run_index: dict[str, pa.Table] = {}
        self._ids: dict[str, frozenset[str]] = {}
        self._hashes: dict[str, Mapping[str, str] | None] = {}
        self._checked: set[str] = set()
        self._expected: set[str] = set()

    def expect(self, commits: Iterable[str]) -> None:
        """Look for parts by their names, because a network folder may list files late.

        Args:
            commits: paths of runs tables, which may have been removed since they were published.
        """
        self._expected |= {part for path in commits if (part := paths.part_of(path))}

    def names(self, kind: str) -> list[str]:
        """Return the sorted names of the parts that have a table now, such as ``epochs``."""
        listed = set(paths.part_names(self.backend.list_names(kind)))
        unlisted = self._expected - listed
        return sorted(
            listed | {part for part in unlisted if self.backend.exists(paths.table_file(kind, part))}
        )

    def snapshot(self, *kinds: str) -> Snapshot:
        """Return the parts that exist now, and which of them have these tables.

        Raises:
            StoreError: a file cannot be read.
        """
        for _ in range(READ_ATTEMPTS):
            names = self._list("runs", *kinds)
            unread = [part for part in names["runs"] if part not in self._run_index]
            self._run_index |= self.tables("runs", unread, columns=INDEX_COLUMNS)
            present = [part for part in names["runs"] if self._is_usable("runs", part)]
            if all(part in self._run_index for part in present):
                return Snapshot(
                    index={part: self._run_index[part] for part in present},
                    with_table={
                        kind: frozenset(part for part in names[kind] if self._has_table(kind, part))
                        for kind in kinds
                    },
                )
        raise self.changing_error()

    def run_index(self) -> Mapping[str, pa.Table]:
        """Return, for each part that exists now, its runs with the columns ``INDEX_COLUMNS``."""
        return self.snapshot().index

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
        for _ in range(READ_ATTEMPTS):
            present = self._list("runs")["runs"]
            tables = dict(self.tables("runs", present, columns=columns))
            self._run_index |= {part: table.select(INDEX_COLUMNS) for part, table in tables.items()}
            if all(part in tables for part in present if self._is_usable("runs", part)):
                return tables
        raise self.changing_error()

    def tables(
        self, kind: str, parts: Sequence[str], *, columns: Sequence[str] | None = None
    ) -> Iterator[tuple[str, pa.Table]]:
        """Yield parts with their table, in the given order, without those whose file is damaged or gone.

        Args:
            kind: name of the table, such as ``epochs``.
            parts: names of parts that had this table a moment ago. Except for ``runs``, their runs must have
                been read.
            columns: by default all columns.

        Raises:
            StoreError: a file cannot be read, or has a newer schema.
        """
        parts = [part for part in parts if self._is_usable(kind, part)]
        contents = zip(
            parts, self.backend.get_all([paths.table_file(kind, part) for part in parts]), strict=True
        )
        damage: list[Damage] = []
        with ThreadPoolExecutor(_DECODING_THREADS) as pool:
            # In blocks: the pool alone would read all files before it returns the first table.
            while block := list(islice(contents, _FILES_IN_MEMORY)):
                decoded = pool.map(lambda item: self._decode(kind, *item, columns=columns), block)
                for (part, _), table in zip(block, decoded, strict=True):
                    if isinstance(table, Damage):
                        damage.append(table)
                    elif table is not None:
                        yield part, table
        self.record(damage)

    def has_weights(self, part: str, run_id: str) -> bool:
        """Return whether a part has weights of a run that are not known to be damaged."""
        path = paths.weights_file(part, run_id)
        return path not in self.damage and self.backend.exists(path)

    def weights(self, part: str, run_id: str) -> bytes | None:
        """Return the weights of a run of a part that was read; None if they are damaged or gone."""
        path = paths.weights_file(part, run_id)
        try:
            data = self.backend.get(path)
            self._check_hash(path, part, f"weights/{run_id}", data)
            return data
        except MissingFileError:
            return None
        except DamagedFileError as error:
            self.record([Damage(path=path, name=error.name, kind="weights", reason=error.reason)])
            return None

    def test_set(self, fingerprint: str) -> pa.Table | None:
        """Return the row of a test set; None if it is damaged or not here."""
        path = paths.table_file("test_sets", fingerprint)
        if path in self.damage:
            return None
        name = self.backend.full_name(path)
        try:
            decoded = decode_table(self.backend.get(path), "test_sets", name=name)
            stored_hash = decoded.metadata.get(LABELS_METADATA.encode())
            if decoded.table["fingerprint"].to_pylist() != [fingerprint]:
                raise DamagedFileError(name, "it is of another data set")
            if stored_hash not in (None, hash_labels(decoded.table).encode()):
                raise DamagedFileError(name, "the labels are not as they were published (their hash differs)")
            return decoded.table
        except MissingFileError:
            return None
        except DamagedFileError as error:
            self.record([Damage(path=path, name=error.name, kind="test_sets", reason=error.reason)])
            return None

    def hashes(self, part: str) -> Mapping[str, str] | None:
        """Return the SHA-256 of each further file of a part that was read; None if the part names none."""
        return self._hashes[part]

    def record(self, damage: Sequence[Damage]) -> None:
        """Leave out what damaged files held, and warn about the files that are not known yet."""
        if new := [file for file in damage if file.path not in self.damage]:
            self.damage |= {file.path: file for file in new}
            if not self.warns:
                return
            warnings.warn(StoreDamageWarning(describe_damage(new), new), stacklevel=2)

    def changing_error(self) -> StoreError:
        """Return the error of parts that disappear again and again while they are read."""
        name = self.backend.full_name("runs")
        return StoreError(f"{name}: files disappear while they are read; run the command again")

    def _list(self, *kinds: str) -> dict[str, list[str]]:
        """Return the names of the parts in the folders of some tables, all at one instant.

        A folder is not listed at one instant: while parts are replaced, a listing can lack both the old and
        the new parts. A compaction is recorded after its part is published and before old parts are removed;
        so if no record is new, nothing was removed meanwhile that the listing does not have in another part.
        """
        while True:
            records = self.backend.list_names(paths.COMPACTIONS_FOLDER)
            names = {kind: self.names(kind) for kind in kinds}
            if self.backend.list_names(paths.COMPACTIONS_FOLDER) == records:
                return names

    def _is_usable(self, kind: str, part: str) -> bool:
        return paths.table_file(kind, part) not in self.damage

    def _has_table(self, kind: str, part: str) -> bool:
        hashes = self._hashes.get(part)
        return self._is_usable(kind, part) and (kind == "runs" or hashes is None or kind in hashes)

    def _decode(
        self,
        kind: str,
        part: str,
        data: bytes | MissingFileError | DamagedFileError,
        *,
        columns: Sequence[str] | None,
    ) -> pa.Table | Damage | None:
        """Check and decode a file; None if it is gone."""
        if isinstance(data, MissingFileError):
            return None
        path = paths.table_file(kind, part)
        try:
            if isinstance(data, DamagedFileError):
                raise data
            if kind != "runs":
                self._check_hash(path, part, kind, data)
            elif part not in self._hashes and not has_own_name(part, data, self.backend):
                if not self.backend.exists(path):
                    return None
                raise DamagedFileError(
                    self.backend.full_name(path), "the part is not as it was published (its hash differs)"
                )
            if kind == "runs" and part not in self._hashes:
                return self._decode_first(part, data, name=self.backend.full_name(path), columns=columns)
            decoded = decode_table(data, kind, name=self.backend.full_name(path), columns=columns)
            if kind != "runs":
                self._check_ids(path, part, decoded.table)
        except DamagedFileError as error:
            runs = self._count_runs(part, data) if kind == "runs" else None
            return Damage(path=path, name=error.name, kind=kind, reason=error.reason, runs=runs)
        return decoded.table

    def _decode_first(self, part: str, data: bytes, *, name: str, columns: Sequence[str] | None) -> pa.Table:
        """Decode a runs table for the first time and check all of its columns, whichever are wanted now.

        Otherwise a run would be finished for one command and damaged for the next one.
        """
        decoded = decode_table(data, "runs", name=name)
        hashes = _read_hashes(decoded, name)
        if problem := find_bad_run(decoded.table):
            raise DamagedFileError(name, problem)
        self._hashes[part] = hashes
        return decoded.table if columns is None else decoded.table.select(columns)

    def _check_ids(self, path: str, part: str, table: pa.Table) -> None:
        """Check that a further table of a part has rows of the part's runs only.

        Raises:
            DamagedFileError: it has rows of other runs.
        """
        is_known = pc.is_in(table["id"], self._run_index[part]["id"])
        if strangers := len(pc.unique(table["id"].filter(pc.invert(is_known)))):
            reason = f"rows of {strangers} runs that its part does not have"
            raise DamagedFileError(self.backend.full_name(path), reason)

    def _check_hash(self, path: str, part: str, file: str, data: bytes) -> None:
        """Check a file against the hash in its part's runs table, once.

        Raises:
            DamagedFileError: the content is not what was published.
        """
        hashes = self._hashes[part]
        if hashes is not None and path not in self._checked and hashes.get(file) != sha256(data).hexdigest():
            raise DamagedFileError(
                self.backend.full_name(path), "it is not as it was published (its hash differs)"
            )
        self._checked.add(path)

    def _count_runs(self, part: str, data: bytes | DamagedFileError) -> int | None:
        """Return how many runs a damaged part held, as far as its tables can still be read."""
        epochs = self.backend.get_all([paths.table_file("epochs", part)])
        for kind, content in (("runs", data), *(("epochs", content) for content in epochs)):
            try:
                if isinstance(content, bytes):
                    ids = decode_table(content, kind, name="", columns=["id"]).table["id"]
                    return len(pc.unique(ids))
            except StoreError:
                continue
        return None


def _read_hashes(runs: DecodedFile, name: str) -> Mapping[str, str] | None:
    text = runs.metadata.get(FILES_METADATA.encode())
    if text is None:
        return None
    try:
        return {str(file): str(digest) for file, digest in json.loads(text).items()}
    except (ValueError, AttributeError):
        raise DamagedFileError(name, f"its metadata {FILES_METADATA} cannot be read") from None
