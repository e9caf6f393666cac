"""Parts of one backend: the tables that each publication wrote, and the runs that they contain."""

from __future__ import annotations

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
from scaling.store.parquet import decode_table
from scaling.store.part_hashes import LABELS_METADATA, MAX_FILE_BYTES, has_own_name, hash_labels, read_hashes
from scaling.store.table_check import find_bad_name, find_bad_run, find_other_runs

_DECODING_THREADS = min(4, os.cpu_count() or 1)
"""Number of threads that decode files; each releases Python's lock most of the time."""
_FILES_IN_MEMORY = 64
READ_ATTEMPTS = 10
"""Number of times that tables are read while compactions replace parts."""

INDEX_COLUMNS = ("id", "created_at")
"""Columns of the runs table that decide which copy of a run counts."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """Parts of a backend at one instant."""

    index: Mapping[str, pa.Table]
    """For each part, its runs with the columns ``INDEX_COLUMNS``."""
    with_table: Mapping[str, frozenset[str]]
    """For each table that was asked for, the parts that have it."""


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
        files = self.backend.list_names(kind)
        self.record(
            [
                self.describe(f"{kind}/{file}", kind, "this software gives no file this name")
                for file in paths.foreign_tables(files)
            ]
        )
        listed = set(paths.part_names(files))
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
                    with_table={kind: self._with_table(kind, names[kind], present) for kind in kinds},
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
        """Return, for each part that exists now, its runs with these columns, and record missing tables.

        Args:
            columns: must include ``INDEX_COLUMNS``; by default all columns.
        """
        for _ in range(READ_ATTEMPTS):
            names = self._list(*paths.PART_TABLES)
            present = names.pop("runs")
            tables = dict(self.tables("runs", present, columns=columns))
            self._run_index |= {part: table.select(INDEX_COLUMNS) for part, table in tables.items()}
            if all(part in tables for part in present if self._is_usable("runs", part)):
                for kind, listed in names.items():
                    self._with_table(kind, listed, list(tables))  # records what is missing
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
            parts,
            self.backend.get_all([paths.table_file(kind, part) for part in parts], max_bytes=MAX_FILE_BYTES),
            strict=True,
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
        if path in self.damage:
            return False
        if f"weights/{run_id}" not in (self._hashes[part] or ()):
            return self.backend.exists(path)
        if is_missing := self._is_missing(part, path):
            self.record([self.describe(path, "weights", "does not exist")])
        return not is_missing

    def weights(self, part: str, run_id: str) -> bytes | None:
        """Return the weights of a run of a part that was read; None if they are damaged or gone."""
        path = paths.weights_file(part, run_id)
        try:
            data = self.backend.get(path, max_bytes=MAX_FILE_BYTES)
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
            data = self.backend.get(path, max_bytes=MAX_FILE_BYTES)
            decoded = decode_table(data, "test_sets", name=name)
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

    def describe(self, path: str, kind: str, reason: str, *, runs: int | None = None) -> Damage:
        """Return the description of a damaged file."""
        name = self.backend.full_name(path).replace("\n", "\\n")
        return Damage(path=path, name=name, kind=kind, reason=reason, runs=runs)

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

    def _with_table(self, kind: str, listed: Sequence[str], present: Sequence[str]) -> frozenset[str]:
        """Return which of the parts that were read have a usable table, and record missing tables.

        Args:
            kind: name of the table.
            listed: parts whose table was listed.
            present: parts whose runs were read.
        """
        names, usable = set(listed), [part for part in present if self._is_usable(kind, part)]
        if kind == "runs":
            return frozenset(usable)
        expected = {part for part in usable if kind in (self._hashes[part] or ())}
        missing = {part for part in expected - names if self._is_missing(part, paths.table_file(kind, part))}
        self.record(
            [self.describe(paths.table_file(kind, part), kind, "does not exist") for part in sorted(missing)]
        )
        unnamed = {part for part in usable if self._hashes[part] is None}
        return frozenset(expected - missing | unnamed & names)

    def _is_missing(self, part: str, path: str) -> bool:
        """Return whether a file whose hash a part names is missing, although the part is still there.

        A network folder may list a file late. Whoever removes a part removes its commit record first.
        """
        exists = self.backend.exists
        return not exists(path) and exists(paths.table_file("runs", part))

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
                self._check_further_table(path, part, decoded.table)
        except DamagedFileError as error:
            runs = self._count_runs(part, data) if kind == "runs" else None
            return Damage(path=path, name=error.name, kind=kind, reason=error.reason, runs=runs)
        return decoded.table

    def _decode_first(self, part: str, data: bytes, *, name: str, columns: Sequence[str] | None) -> pa.Table:
        """Decode a runs table for the first time and check all of its columns, not only the requested ones.

        Otherwise a run would be finished for one command and damaged for the next one.
        """
        decoded = decode_table(data, "runs", name=name)
        hashes = read_hashes(decoded, name)
        if problem := find_bad_run(decoded.table) or find_bad_name(decoded.table):
            raise DamagedFileError(name, problem)
        self._hashes[part] = hashes
        return decoded.table if columns is None else decoded.table.select(columns)

    def _check_further_table(self, path: str, part: str, table: pa.Table) -> None:
        """Check the rows of a further table of a part.

        Raises:
            DamagedFileError: the rows are not of the part's runs, or have no names.
        """
        if problem := find_bad_name(table) or find_other_runs(table, self._run_index[part]):
            raise DamagedFileError(self.backend.full_name(path), problem)

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
        epochs = self.backend.get_all([paths.table_file("epochs", part)], max_bytes=MAX_FILE_BYTES)
        for kind, content in (("runs", data), *(("epochs", content) for content in epochs)):
            try:
                if isinstance(content, bytes):
                    ids = decode_table(content, kind, name="", columns=["id"]).table["id"]
                    return len(pc.unique(ids))
            except StoreError:
                continue
        return None
