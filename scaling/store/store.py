"""A store: what a study's runs left behind, and where new ones are published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from scaling.errors import StoreError
from scaling.store import paths
from scaling.store.backend import Backend
from scaling.store.codec import encode_table
from scaling.store.folder import FolderBackend
from scaling.store.parts import Parts
from scaling.store.reader import Reader
from scaling.store.schema import SCHEMAS

SCHEMES = ("s3", "gs", "az", "memory")


def open_store(uri: str | Path) -> Store:
    """Open a store; nothing is made before something is published.

    Args:
        uri: a folder, or an object store as ``s3://bucket/path``, ``gs://bucket/path``, ``az://container/path`` or, for as long as the process
            lives, ``memory:///name``. A URI must be text: a ``Path`` folds its slashes.

    Raises:
        StoreError: no name, no such kind of store, or the package for object stores is missing.
    """
    scheme, separator, _ = str(uri).partition("://")
    if not str(uri):
        raise StoreError(
            "the store has no name; give --store or SCALING_STORE a folder or a URI, such as artifacts/store"
        )
    if not separator:
        # Absolute, because workers have other working folders.
        return Store(FolderBackend(Path(uri).expanduser().absolute()))
    if scheme not in SCHEMES:
        raise StoreError(
            f"{uri}: no such kind of store; give a folder's path, or a URI of {', '.join(SCHEMES)}, such as s3://bucket/path"
        )
    try:
        from scaling.store.object_store import ObjectStoreBackend
    except ModuleNotFoundError:
        raise StoreError(
            f"{uri}: an object store needs a package more: pip install 'scaling[cloud]'"
        ) from None
    return Store(ObjectStoreBackend(str(uri).rstrip("/")))


@dataclass(eq=False)
class Store(Reader):
    """One folder or bucket. It can be pickled, for workers."""

    backend: Backend
    parts: Parts = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.parts = Parts(self.backend)

    @property
    def sources(self) -> Sequence[Parts]:
        return (self.parts,)

    @property
    def has_runs(self) -> bool:
        """Whether anything has been published here."""
        return bool(self.backend.list_names("runs"))

    def publish(self, tables: Mapping[str, pa.Table], *, weights: Mapping[str, bytes] | None = None) -> int:
        """Add runs, all or none of them; those that are already here, with rows in each of these tables, are left out.

        Args:
            tables: by their names in ``schema.TABLES``, in exactly those schemas; ``runs`` must be among them.
            weights: safetensors by run id, for any of the runs.

        Returns:
            How many runs were new, or had lacked a table.

        Raises:
            StoreError: nothing can be written here.
        """
        weights = weights or {}
        _check(tables, weights)
        kinds = [kind for kind in ("epochs", "predictions", "runs") if kind in tables]
        new = set(tables["runs"]["id"].to_pylist())
        here = new & self.ids()
        for kind in kinds if here else ():
            here &= self.run_ids_with(kind)
        new -= here
        if not new:
            return 0
        only = pa.array(sorted(new), pa.string())
        files = {
            kind: encode_table(tables[kind].filter(pc.is_in(tables[kind]["id"], only)), kind)
            for kind in kinds
        }
        part = paths.part_name(files.values())
        for row, fingerprint in enumerate(
            tables["test_sets"]["fingerprint"].to_pylist() if "test_sets" in tables else ()
        ):
            self.backend.put_if_absent(
                paths.part("test_sets", fingerprint),
                encode_table(tables["test_sets"].slice(row, 1), "test_sets"),
            )
        for run_id in new & weights.keys():
            self.backend.put_if_absent(paths.weights(part, run_id), weights[run_id])
        for kind, data in files.items():  # runs last: it is the commit record
            self.backend.put_if_absent(paths.part(kind, part), data)
        return len(new)


@dataclass(eq=False)
class StoreUnion(Reader):
    """Several stores read as one. What is new goes to the first."""

    first: Store
    also: Sequence[Store] = ()

    @property
    def sources(self) -> Sequence[Parts]:
        return [store.parts for store in (self.first, *self.also)]

    def publish(self, tables: Mapping[str, pa.Table], *, weights: Mapping[str, bytes] | None = None) -> int:
        """As ``Store.publish``, into the first store."""
        return self.first.publish(tables, weights=weights)


def _check(tables: Mapping[str, pa.Table], weights: Mapping[str, bytes]) -> None:
    """Refuse what no reader could read: a fault of this software, not of its user."""
    for kind, table in tables.items():
        if table.schema != SCHEMAS[kind]:
            raise ValueError(
                f"{kind}: its columns differ from the schema: {sorted(map(str, set(table.schema) ^ set(SCHEMAS[kind])))}"
            )
    runs = tables["runs"]
    ids = runs["id"].to_pylist()
    if runs["id"].null_count or runs["created_at"].null_count or len(set(ids)) < len(ids):
        raise ValueError("runs: every row needs an id of its own and created_at")
    strangers = {
        run_id
        for kind in ("epochs", "predictions")
        if kind in tables
        for run_id in tables[kind]["id"].to_pylist()
    } | weights.keys()
    if not strangers <= set(ids):
        raise ValueError(
            f"rows or weights of runs that are not published with them: {sorted(map(str, strangers - set(ids)))}"
        )
