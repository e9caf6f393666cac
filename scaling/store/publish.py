"""Publication of runs in a store: the files of a part, with the runs table last, as the commit record."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from hashlib import sha256

import pyarrow as pa
import pyarrow.compute as pc

from scaling.errors import StoreError
from scaling.store import paths
from scaling.store.backend import Backend, DamagedFileError
from scaling.store.parquet import encode_table
from scaling.store.part_hashes import FILES_METADATA, LABELS_METADATA, MAX_FILE_BYTES, hash_labels
from scaling.store.reader import Reader
from scaling.store.schema import SCHEMAS
from scaling.store.table_check import find_bad_run, find_null, find_other_runs

PUBLISHED_TABLES = ("epochs", "predictions", "runs")
"""Tables of a part, in the order in which they are written."""


Commit = Callable[[str, bytes], object]
"""Function that puts a commit record in its place; it may refuse by an exception."""


def publish(
    tables: Mapping[str, pa.Table],
    weights: Mapping[str, bytes],
    *,
    reader: Reader,
    backend: Backend,
    commit: Commit | None = None,
) -> int:
    """Publish runs, all of them or none; see ``Store.publish``.

    Args:
        tables: result tables by name.
        weights: safetensors by run id.
        reader: the store's published runs.
        backend: the place that the files are written to.
        commit: puts the runs table in its place; by default the backend's ``put_if_absent``.
    """
    _check(tables, weights)
    kinds = [kind for kind in PUBLISHED_TABLES if kind in tables]
    new_ids = _new_ids(tables, kinds, reader)
    if not new_ids:
        return 0
    if "test_sets" in tables:
        put_test_sets(tables["test_sets"], backend)
    new_tables = _select(tables, kinds, new_ids)
    new_weights = {run_id: weights[run_id] for run_id in new_ids & weights.keys()}
    put_part(new_tables, new_weights, backend=backend, commit=commit)
    return len(new_ids)


def put_part(
    tables: Mapping[str, pa.Table],
    weights: Mapping[str, bytes],
    *,
    backend: Backend,
    metadata: Mapping[str, str] | None = None,
    commit: Commit | None = None,
) -> str:
    """Write the files of a part and return its name.

    Args:
        tables: ``runs`` and other tables of the part.
        weights: safetensors by run id.
        backend: the place that the files are written to.
        metadata: further metadata of the runs table, which the name depends on.
        commit: puts the runs table in its place; by default the backend's ``put_if_absent``.

    Raises:
        StoreError: nothing can be written, a file is too large for readers, or a damaged file has the name
            of a new one.
    """
    files = _encode_part(tables, weights, metadata or {})
    _check_sizes(files | {f"weights/{run_id}": data for run_id, data in weights.items()})
    runs = files.pop("runs")
    part = paths.part_name(runs)
    for run_id, data in weights.items():
        _put(paths.weights_file(part, run_id), data, backend)
    for kind, data in files.items():
        _put(paths.table_file(kind, part), data, backend)
    # The runs table comes last: it is the commit record.
    if commit:
        commit(paths.table_file("runs", part), runs)
    else:
        _put(paths.table_file("runs", part), runs, backend)
    return part


def _put(path: str, data: bytes, backend: Backend) -> None:
    """Write a file unless it is there already.

    Raises:
        DamagedFileError: a file with another content is there. The name depends on the content.
    """
    if not backend.put_if_absent(path, data) and backend.get(path, max_bytes=MAX_FILE_BYTES) != data:
        raise DamagedFileError(backend.full_name(path), "it is not as it was published")


def _select(tables: Mapping[str, pa.Table], kinds: list[str], ids: set[str]) -> dict[str, pa.Table]:
    """Return the rows of some runs, of the given tables."""
    values = pa.array(sorted(ids), pa.string())
    return {kind: tables[kind].filter(pc.is_in(tables[kind]["id"], values)) for kind in kinds}


def _encode_part(
    tables: Mapping[str, pa.Table], weights: Mapping[str, bytes], metadata: Mapping[str, str]
) -> dict[str, bytes]:
    """Return the file of each table; the metadata of the runs table hold the hashes of the other files."""
    files = {kind: encode_table(tables[kind], kind) for kind in PUBLISHED_TABLES[:-1] if kind in tables}
    hashes = {kind: sha256(data).hexdigest() for kind, data in files.items()}
    hashes |= {f"weights/{run_id}": sha256(weights[run_id]).hexdigest() for run_id in sorted(weights)}
    files["runs"] = encode_table(tables["runs"], "runs", {FILES_METADATA: json.dumps(hashes), **metadata})
    return files


def _check_sizes(files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        if len(data) > MAX_FILE_BYTES:
            raise StoreError(
                f"{name}: has {len(data):,} bytes, and a file of a part can have {MAX_FILE_BYTES:,}; publish"
                " fewer runs at once"
            )


def _new_ids(tables: Mapping[str, pa.Table], kinds: list[str], reader: Reader) -> set[str]:
    """Return the ids of the runs that are not yet published with all of these tables, undamaged."""
    ids = set(tables["runs"]["id"].to_pylist())
    published = ids & reader.ids()
    for kind in kinds if published else ():
        published &= reader.ids_with_rows(kind, published)
    return ids - published


def put_test_sets(test_sets: pa.Table, backend: Backend) -> None:
    """Write the test sets that are not there yet.

    Args:
        test_sets: one row a test set.
        backend: the place that the files are written to.
    """
    for row, fingerprint in enumerate(test_sets["fingerprint"].to_pylist()):
        test_set = test_sets.slice(row, 1)
        data = encode_table(test_set, "test_sets", {LABELS_METADATA: hash_labels(test_set)})
        backend.put_if_absent(paths.table_file("test_sets", fingerprint), data)


def put_forecast(data: bytes, backend: Backend) -> str:
    """Write a forecast unless it is there already, and return its name.

    Args:
        data: content of the file, which the name hashes.
        backend: the place that the file is written to.

    Raises:
        StoreError: the file cannot be written, or a damaged file has its name.
    """
    name = paths.forecast_name(data)
    _put(paths.forecast_file(name), data, backend)
    return name


def _check(tables: Mapping[str, pa.Table], weights: Mapping[str, bytes]) -> None:
    """Refuse tables that no reader could read. They are a bug of this software, not a mistake of its user."""
    for kind, table in tables.items():
        if table.schema != SCHEMAS[kind]:
            differences = sorted(map(str, set(table.schema) ^ set(SCHEMAS[kind])))
            raise ValueError(f"{kind}: the columns differ from the schema: {differences}")
        if problem := find_null(table, kind):
            raise ValueError(f"{kind}: {problem}")
    runs = tables["runs"]
    ids = runs["id"].to_pylist()
    if len(set(ids)) < len(ids):
        raise ValueError("runs: every row needs an id of its own")
    if problem := find_bad_run(runs):
        raise ValueError(f"runs: {problem}")
    for kind in PUBLISHED_TABLES[:-1]:
        if kind in tables and (problem := find_other_runs(tables[kind], runs)):
            raise ValueError(f"{kind}: {problem}")
    if unknown := sorted(weights.keys() - set(ids)):
        raise ValueError(f"weights of runs that are not published with them: {unknown}")
