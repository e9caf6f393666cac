"""A store: the results of finished runs, and the place where new runs are published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from scaling.errors import StoreError, install_command
from scaling.store import paths
from scaling.store.backend import Backend
from scaling.store.folder import FolderBackend
from scaling.store.parts import Parts
from scaling.store.publish import Commit, publish, put_forecast, put_part, put_test_sets
from scaling.store.reader import Reader

_SCHEMES = ("s3", "gs", "az", "memory")


def open_store(uri: str | Path, *, option: str = "store", waits: bool = False) -> Store:
    """Open a store; nothing is created before a run is published.

    An object store is listed once, so that a wrong URI or setting is reported within seconds.

    Args:
        uri: a folder, or an object store as ``s3://bucket/path``, ``gs://bucket/path`` or
            ``az://container/path``. ``memory:///name`` lives as long as the process. A URI must be a string,
            because a ``Path`` merges repeated slashes.
        option: argument that an error names.
        waits: True for a worker, which waits minutes for an object store that does not answer.

    Raises:
        StoreError: the name is empty or names the home of an unknown user, the kind of store is unknown, the
            package for object stores is missing, or an object store cannot be reached.
    """
    scheme, separator, bucket = str(uri).partition("://")
    if not str(uri):
        raise StoreError(
            "the name of the store is empty; give a folder or a URI, such as artifacts/store",
            option=option,
        )
    if not separator and str(uri).startswith(tuple(f"{known}:" for known in _SCHEMES)):
        kind, path = str(uri).split(":", 1)
        raise StoreError(
            f"{uri}: a URI has two slashes after the colon, such as {kind}://{path.lstrip('/')}; a folder of"
            f" this name is ./{uri}",
            option=option,
        )
    if not separator:
        try:
            folder = Path(uri).expanduser()
        except RuntimeError:
            problem = "no such user, or no home folder; give the whole path of the folder"
            raise StoreError(f"{uri}: {problem}", option=option) from None
        # Absolute, because workers have other working folders.
        return Store(FolderBackend(folder.absolute(), option))
    if scheme not in _SCHEMES or not bucket.strip("/"):
        raise StoreError(
            f"{uri}: no bucket, or an unknown kind of store; name a folder, or a URI with one of the schemes"
            f" {', '.join(_SCHEMES)}, such as s3://bucket/path"
        )
    try:
        from scaling.store.object_store import ObjectStoreBackend
    except ModuleNotFoundError:
        raise StoreError(
            f"{uri}: object stores need the package obstore; install it with: {install_command('cloud')}"
        ) from None
    backend = ObjectStoreBackend(str(uri).rstrip("/"))
    if not waits:
        backend.check_reachable()
    return Store(backend)


@dataclass(eq=False)
class Store(Reader):
    """One folder or bucket of results. A store can be pickled, for workers."""

    backend: Backend
    parts: Parts = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.parts = Parts(self.backend)

    @property
    def sources(self) -> Sequence[Parts]:
        return (self.parts,)

    @property
    def has_runs(self) -> bool:
        """Return whether any run has been published here."""
        return bool(self.backend.list_names("runs"))

    @property
    def exists(self) -> bool:
        """Return whether the store has any folder or object."""
        # The folder of the runs comes first, so that few names are listed if there are runs.
        return any(
            self.backend.list_names(folder) or self.backend.list_files(folder) for folder in paths.FOLDERS
        )

    def put_test_sets(self, test_sets: pa.Table) -> None:
        """Write the test sets that the store does not have, without runs.

        Args:
            test_sets: one row a test set.

        Raises:
            StoreError: nothing can be written here.
        """
        put_test_sets(test_sets, self.backend)

    def put_forecast(self, data: bytes) -> str:
        """Write a forecast, which never changes afterwards, and return its name.

        Args:
            data: content of the file.

        Raises:
            StoreError: nothing can be written here.
        """
        return put_forecast(data, self.backend)

    def publish(
        self,
        tables: Mapping[str, pa.Table],
        *,
        weights: Mapping[str, bytes] | None = None,
        commit: Commit | None = None,
    ) -> int:
        """Publish runs, all of them or none, except runs that are published already with all these tables.

        Args:
            tables: tables by name, exactly in the schemas of ``SCHEMAS``; ``runs`` is required.
            weights: safetensors by run id, for any of the runs.
            commit: ``Claim.commit`` of a worker, which refuses if the worker has lost its claim.

        Returns:
            The number of runs that were new or had lacked a table.

        Raises:
            StoreError: nothing can be written here.
        """
        return publish(tables, weights or {}, reader=self, backend=self.backend, commit=commit)

    def put_weights(self, runs: pa.Table, weights: Mapping[str, bytes]) -> None:
        """Add the weights of published runs, in a part of their own with an equal copy of their rows.

        Args:
            runs: rows of the table ``runs``, as they are stored.
            weights: safetensors by run id, one for each row.

        Raises:
            StoreError: nothing can be written here.
        """
        put_part({"runs": runs}, weights, backend=self.backend)


@dataclass(eq=False)
class StoreUnion(Reader):
    """Several stores that are read as one. New runs go to the first store."""

    first: Store
    also: Sequence[Store] = ()

    @property
    def sources(self) -> Sequence[Parts]:
        return [store.parts for store in (self.first, *self.also)]

    def publish(self, tables: Mapping[str, pa.Table], *, weights: Mapping[str, bytes] | None = None) -> int:
        """Publish runs in the first store; see ``Store.publish``."""
        return self.first.publish(tables, weights=weights)
