"""Compaction: many small parts become few large parts, while others read the store and publish in it.

1. The new part is published like any other part. From then on its runs exist twice, as equal copies.
2. ``compactions/<new part>`` records that old parts are about to be removed. A reader that lists the store
   during a removal sees a new record and lists again.
3. The old parts are removed, each with its commit record first.

A part is removed only by a process that has itself put a part with the same runs after it had read the old
one, under a name that no process could know before. The last part that was put is therefore never removed in
favour of an earlier one, and no run is lost, whatever the number of compactions at once and wherever they
stop. What a killed compaction leaves are copies and files without a part, which count in no table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc

from scaling.store import paths
from scaling.store.access_check import check_writable
from scaling.store.backend import Backend
from scaling.store.claims import release_pending
from scaling.store.deduplicate import deduplicate
from scaling.store.parts import Parts
from scaling.store.publish import put_part
from scaling.store.store import Store

_NONCE_METADATA = "scaling.compaction"
"""Metadata of a compacted runs table: a random number, which makes the part's name new."""
_MAX_BYTES = 256 * 1024**2
"""Bytes of the tables and weights that become one part: they are in memory at once."""


@dataclass(frozen=True, kw_only=True)
class Compaction:
    """Result of a compaction."""

    replaced: int
    """Number of parts that were replaced."""
    new: int
    """Number of parts that replace them."""
    runs: int
    """Number of runs in the new parts."""


def compact(store: Store) -> Compaction:
    """Replace small parts by few large ones. Every run, table and weights file stays.

    Parts that have the same tables are put together, up to 256 MiB of tables and weights in one part. A part
    with a file that is damaged or missing stays as it is.

    Raises:
        StoreError: the store cannot be read or written.
    """
    parts = Parts(store.backend)
    replaced = new = runs = 0
    groups = _group(parts)
    if groups:  # before any part is written
        check_writable(store, (paths.COMPACTIONS_FOLDER, *paths.RUN_FOLDERS))
    for group in groups:
        old = _read(parts, group)
        if len(old.parts) < 2:
            continue
        name = put_part(
            old.tables, old.weights, backend=store.backend, metadata={_NONCE_METADATA: uuid4().hex}
        )
        store.backend.put_if_absent(paths.compaction_file(name), b"")
        release_pending(store.backend, [paths.table_file("runs", part) for part in old.parts])
        for part in old.parts:
            _remove(store.backend, part)
        replaced, new, runs = replaced + len(old.parts), new + 1, runs + len(old.tables["runs"])
    return Compaction(replaced=replaced, new=new, runs=runs)


@dataclass(frozen=True, kw_only=True)
class _OldParts:
    """Content of several parts, each run once."""

    parts: Sequence[str]
    tables: Mapping[str, pa.Table]
    weights: Mapping[str, bytes]


@dataclass(frozen=True)
class _Group:
    """Parts that become one part."""

    tables: tuple[str, ...]
    """Tables that each part has, ``runs`` first."""
    parts: list[str]


def _group(parts: Parts) -> list[_Group]:
    """Return groups of parts with the same tables, sorted by name, each of a limited size."""
    snapshot = parts.snapshot(*paths.PART_TABLES)
    sizes: dict[str, int] = defaultdict(int)
    for folder in (*paths.PART_TABLES, paths.WEIGHTS_FOLDER):
        for file in parts.backend.list_files(folder):
            sizes[paths.part_of(file.path) or ""] += file.size
    by_tables: dict[tuple[str, ...], list[list[str]]] = {}
    filled: dict[tuple[str, ...], int] = defaultdict(int)
    for part in sorted(snapshot.index):
        tables = tuple(kind for kind in paths.PART_TABLES if part in snapshot.with_table[kind])
        if {*paths.PART_TABLES}.intersection(parts.hashes(part) or ()) - {*tables}:
            continue  # a table is damaged or missing
        groups = by_tables.setdefault(tables, [[]])
        if groups[-1] and filled[tables] + sizes[part] > _MAX_BYTES:
            groups.append([])
            filled[tables] = 0
        groups[-1].append(part)
        filled[tables] += sizes[part]
    return [
        _Group(tables, group) for tables, groups in by_tables.items() for group in groups if len(group) > 1
    ]


def _read(parts: Parts, group: _Group) -> _OldParts:
    """Read the parts of a group, without those that are damaged or that another compaction has removed."""
    tables = {kind: dict(parts.tables(kind, group.parts)) for kind in group.tables}
    whole = [part for part in group.parts if all(part in table for table in tables.values())]
    weights = {part: _read_weights(parts, part, tables["runs"][part]["id"].to_pylist()) for part in whole}
    usable = {part: data for part, data in weights.items() if data is not None}
    counted = list(deduplicate([{part: tables["runs"][part] for part in usable}]).counted_in(0))
    return _OldParts(
        parts=list(usable),
        tables={
            kind: pa.concat_tables(
                [
                    tables[kind][runs.part]
                    if runs.ids is None
                    else tables[kind][runs.part].filter(pc.is_in(tables[kind][runs.part]["id"], runs.ids))
                    for runs in counted
                ]
            )
            for kind in (group.tables if counted else ())
        },
        weights={
            run_id: data
            for runs in counted
            for run_id, data in usable[runs.part].items()
            if runs.ids is None or pc.index(runs.ids, run_id).as_py() >= 0
        },
    )


def _read_weights(parts: Parts, part: str, ids: Sequence[str]) -> dict[str, bytes] | None:
    """Return the weights of a part by run id; None if some are damaged or gone."""
    names = set(parts.backend.list_names(paths.weights_folder(part)))
    stored = [run_id for run_id in ids if paths.weights_file(part, run_id).rpartition("/")[2] in names]
    hashed = {file.partition("/")[2] for file in parts.hashes(part) or {} if file.startswith("weights/")}
    for run_id in hashed.difference(stored):
        parts.has_weights(part, run_id)  # records that they are missing
    weights = {run_id: data for run_id in stored if (data := parts.weights(part, run_id)) is not None}
    return weights if weights.keys() >= {*stored, *hashed} else None


def _remove(backend: Backend, part: str) -> None:
    for kind in paths.PART_TABLES:
        backend.delete(paths.table_file(kind, part))
    folder = paths.weights_folder(part)
    for name in backend.list_names(folder):
        backend.delete(f"{folder}/{name}")
