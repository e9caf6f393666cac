"""Backend in a bucket, through obstore.

The file systems of pyarrow lack put-if-absent and replace existing files silently.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import from_url

from scaling.store.backend import (
    Backend,
    DamagedFileError,
    MissingFileError,
    StoredFile,
    naming_store_errors,
)

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig

_CONCURRENT_REQUESTS = 32
"""Number of requests in flight: a read waits for the network, not for a core."""
_RETRIES: RetryConfig = {
    "max_retries": 1000,
    "retry_timeout": timedelta(minutes=3),
    "backoff": {"max_backoff": timedelta(seconds=2)},
}
"""After a failure of the store, all workers reach it again within two seconds.

The default, 15 seconds, is long compared with a lease.
"""


@cache
def _client(uri: str) -> ObjectStore:
    """Return the process's only client of a URI, so that ``memory:///name`` is one store in a process."""
    hint = "check the URI and the credentials in the environment"
    with naming_store_errors(uri, "opened", hint=hint, errors=(BaseError, ValueError)):
        return from_url(uri, retry_config=_RETRIES)


@dataclass(frozen=True)
class ObjectStoreBackend(Backend):
    """Objects below a URI."""

    uri: str

    def put_if_absent(self, path: str, data: bytes) -> bool:
        with self._naming_errors(path, "written"):
            try:
                obstore.put(_client(self.uri), path, data, mode="create")
            except AlreadyExistsError:
                return False
            return True

    def get(self, path: str) -> bytes:
        with self._naming_errors(path, "read"):
            try:
                return bytes(obstore.get(_client(self.uri), path).bytes())
            except FileNotFoundError:
                raise MissingFileError(self.full_name(path)) from None

    def get_all(self, paths: Sequence[str]) -> Iterator[bytes | MissingFileError | DamagedFileError]:
        with ThreadPoolExecutor(_CONCURRENT_REQUESTS) as pool:
            # In blocks, so that few files are in memory at once.
            for start in range(0, len(paths), _CONCURRENT_REQUESTS):
                yield from pool.map(self._get_or_error, paths[start : start + _CONCURRENT_REQUESTS])

    def list_names(self, folder: str) -> list[str]:
        with self._naming_errors(folder, "listed"):
            objects = obstore.list_with_delimiter(_client(self.uri), folder)["objects"]
        return sorted(meta["path"].rpartition("/")[2] for meta in objects)

    def list_files(self, folder: str) -> list[StoredFile]:
        with self._naming_errors(folder, "listed"):
            objects = obstore.list(_client(self.uri), folder).collect()
        return [
            StoredFile(path=meta["path"], size=meta["size"], modified_s=meta["last_modified"].timestamp())
            for meta in objects
        ]

    def move(self, path: str, target: str) -> None:
        with self._naming_errors(path, "moved"):
            obstore.rename(_client(self.uri), path, target)

    def exists(self, path: str) -> bool:
        with self._naming_errors(path, "read"):
            try:
                obstore.head(_client(self.uri), path)
            except FileNotFoundError:
                return False
            return True

    def delete(self, path: str) -> None:
        with self._naming_errors(path, "removed"):
            try:
                obstore.delete(_client(self.uri), path)
            except FileNotFoundError:
                return

    def full_name(self, path: str) -> str:
        return f"{self.uri}/{path}"

    def _naming_errors(self, path: str, action: str) -> AbstractContextManager[None]:
        hint = "check the network and the credentials"
        return naming_store_errors(self.full_name(path), action, hint=hint, errors=(BaseError, OSError))
