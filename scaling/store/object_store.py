"""A store in a bucket, through obstore: pyarrow's file systems know no put-if-absent, and silently replace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import from_url

from scaling.errors import StoreError
from scaling.store.backend import Backend

if TYPE_CHECKING:
    from obstore.store import ObjectStore

AT_ONCE = 32
"""Requests in flight: a read waits for the network, not for a core."""


@cache
def _client(uri: str) -> ObjectStore:
    """One for each URI and process; so a memory:///name is one store as long as the process lives."""
    try:
        return from_url(uri)
    except (BaseError, ValueError) as error:
        raise StoreError(
            f"{uri}: can't be opened ({_first_line(error)}); see its spelling and the credentials in the environment"
        ) from error


@dataclass(frozen=True)
class ObjectStoreBackend(Backend):
    """Objects under a URI."""

    uri: str

    def put_if_absent(self, path: str, data: bytes) -> bool:
        with self._named(path, "written"):
            try:
                obstore.put(_client(self.uri), path, data, mode="create")
            except AlreadyExistsError:
                return False
            return True

    def get(self, path: str) -> bytes:
        with self._named(path, "read"):
            return bytes(obstore.get(_client(self.uri), path).bytes())

    def get_all(self, paths: Sequence[str]) -> Iterator[bytes]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for start in range(0, len(paths), AT_ONCE):  # in blocks, to hold few files in memory
                yield from pool.map(self.get, paths[start : start + AT_ONCE])

    def list_names(self, folder: str) -> list[str]:
        with self._named(folder, "listed"):
            found = obstore.list_with_delimiter(_client(self.uri), folder)["objects"]
        return sorted(meta["path"].rpartition("/")[2] for meta in found)

    def exists(self, path: str) -> bool:
        with self._named(path, "read"):
            try:
                obstore.head(_client(self.uri), path)
            except FileNotFoundError:
                return False
            return True

    def delete(self, path: str) -> None:
        with self._named(path, "removed"):
            try:
                obstore.delete(_client(self.uri), path)
            except FileNotFoundError:
                return

    def full_name(self, path: str) -> str:
        return f"{self.uri}/{path}"

    @contextmanager
    def _named(self, path: str, verb: str) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            raise StoreError(
                f"{self.full_name(path)}: can't be {verb} ({_first_line(error)}); see the network and the credentials"
            ) from error


def _first_line(error: Exception) -> str:
    """obstore's messages go on with pages of its internals."""
    return str(error).partition("\n")[0]
