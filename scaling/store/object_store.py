"""Backend in a bucket, through obstore.

The file systems of pyarrow lack put-if-absent and replace existing files silently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from itertools import repeat
from threading import Thread
from time import monotonic, sleep
from typing import TYPE_CHECKING, TypeVar

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import from_url

from scaling import interruption
from scaling.errors import StoreError
from scaling.store import paths
from scaling.store.backend import (
    Backend,
    DamagedFileError,
    MissingFileError,
    OversizedFileError,
    StoredFile,
)
from scaling.store.object_store_errors import check_settings, describe_error, is_temporary

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig

_Answer = TypeVar("_Answer")

_CONCURRENT_REQUESTS = 32
"""Number of requests in flight: a read waits for the network, not for a core."""
_RETRIES: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=5)}
"""Retries of obstore, which bridge short failures. It repeats no put-if-absent that was not answered."""
_PATIENCE_S = 180.0
"""Time for which a request is repeated while the server does not answer."""
_FIRST_PATIENCE_S = 5.0
"""The same for the first request of a command, which shows whether the URI and the settings are right."""
_PAUSE_S = 1.0
"""Pause between two requests. After a failure of the server, all workers reach it again in much less than a
lease."""
_POLL_S = 0.1
"""Longest time until a waiting thread notices that an interruption is requested."""
_LAST_WAIT_S = 2.0
"""Longest time that a request may take after an interruption was requested."""


@cache
def _client(uri: str) -> ObjectStore:
    """Return the process's only client of a URI, so that ``memory:///name`` is one store in a process."""
    check_settings(uri)
    try:
        return from_url(uri, retry_config=_RETRIES)
    except (BaseError, ValueError) as error:
        raise _store_error(uri, "opened", error, uri) from error


@dataclass(frozen=True)
class ObjectStoreBackend(Backend):
    """Objects below a URI."""

    uri: str
    patience_s: float = _PATIENCE_S
    """Time in seconds for which a request is repeated while the server does not answer."""

    def check_reachable(self) -> None:
        """Check that the store can be listed, without much patience.

        Raises:
            StoreError: the URI, a setting or the credentials are wrong, or the server does not answer.
        """
        try:
            replace(self, patience_s=_FIRST_PATIENCE_S)._send(
                lambda client: obstore.list_with_delimiter(client, paths.PROBES_FOLDER)
            )
        except (BaseError, OSError) as error:
            raise _store_error(self.uri, "opened", error, self.uri) from error

    def put_if_absent(self, path: str, data: bytes) -> bool:
        with self._naming_errors(path, "written"):
            try:
                self._send(lambda client: obstore.put(client, path, data, mode="create"))
            except AlreadyExistsError:
                return False
            return True

    def get(self, path: str, *, max_bytes: int | None = None) -> bytes:
        def read(client: ObjectStore) -> bytes:
            result = obstore.get(client, path)
            size = result.meta["size"]
            if max_bytes is not None and size > max_bytes:
                raise OversizedFileError(self.full_name(path), size, max_bytes)
            return bytes(result.bytes())

        with self._naming_errors(path, "read"):
            try:
                return self._send(read)
            except FileNotFoundError:
                raise MissingFileError(self.full_name(path)) from None

    def get_all(
        self, paths: Sequence[str], *, max_bytes: int | None = None
    ) -> Iterator[bytes | MissingFileError | DamagedFileError]:
        with ThreadPoolExecutor(_CONCURRENT_REQUESTS) as pool:
            # In blocks, so that few files are in memory at once.
            for start in range(0, len(paths), _CONCURRENT_REQUESTS):
                block = paths[start : start + _CONCURRENT_REQUESTS]
                yield from pool.map(self._get_or_error, block, repeat(max_bytes))

    def list_names(self, folder: str) -> list[str]:
        with self._naming_errors(folder, "listed"):
            objects = self._send(lambda client: obstore.list_with_delimiter(client, folder)["objects"])
        names = (meta["path"].rpartition("/")[2] for meta in objects)
        return sorted(name for name in names if not name.startswith("."))

    def list_files(self, folder: str) -> list[StoredFile]:
        with self._naming_errors(folder, "listed"):
            objects = self._send(lambda client: obstore.list(client, folder).collect())
        return [
            StoredFile(path=meta["path"], size=meta["size"], modified_s=meta["last_modified"].timestamp())
            for meta in objects
        ]

    def move(self, path: str, target: str) -> None:
        with self._naming_errors(path, "moved"):
            self._send(lambda client: obstore.copy(client, path, target))
        self.delete(path)

    def exists(self, path: str) -> bool:
        with self._naming_errors(path, "read"):
            try:
                self._send(lambda client: obstore.head(client, path))
            except FileNotFoundError:
                return False
            return True

    def delete(self, path: str) -> None:
        with self._naming_errors(path, "removed"):
            try:
                self._send(lambda client: obstore.delete(client, path))
            except FileNotFoundError:
                return

    def delete_all(self, paths: Sequence[str]) -> None:
        with ThreadPoolExecutor(_CONCURRENT_REQUESTS) as pool:
            for _ in pool.map(self.delete, paths):
                pass

    def full_name(self, path: str) -> str:
        return f"{self.uri}/{path}"

    def _send(self, request: Callable[[ObjectStore], _Answer]) -> _Answer:
        """Do a request, and repeat it while the server does not answer.

        A put-if-absent may be repeated: its caller expects that a file can be there although the answer was
        lost.
        """
        client, end = _client(self.uri), monotonic() + self.patience_s
        while True:
            try:
                return _wait(_start(lambda: request(client)))
            except BaseError as error:
                if not is_temporary(error) or monotonic() > end or interruption.is_requested():
                    raise
                sleep(_PAUSE_S)

    @contextmanager
    def _naming_errors(self, path: str, action: str) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            raise _store_error(self.full_name(path), action, error, self.uri) from error


def _store_error(name: str, action: str, error: Exception, uri: str) -> StoreError:
    reason, hint = describe_error(error, uri)
    return StoreError(f"{name}: cannot be {action} ({reason}); {hint}")


def _start(request: Callable[[], _Answer]) -> Future[_Answer]:
    """Start a request in a thread: no handler of a signal runs while obstore waits in this thread."""
    future: Future[_Answer] = Future()

    def run() -> None:
        try:
            future.set_result(request())
        except Exception as error:
            future.set_exception(error)
        except BaseException as panic:  # of obstore, which panics for instance at a malformed setting
            future.set_exception(OSError(str(panic)))

    Thread(target=run, daemon=True).start()
    return future


def _wait(future: Future[_Answer]) -> _Answer:
    """Return the answer of a request, unless an interruption is requested and the answer does not come.

    Raises:
        OSError: an interruption was requested, and the server did not answer.
    """
    end: float | None = None
    while not future.done():
        try:
            return future.result(_POLL_S)
        except TimeoutError:
            if interruption.is_requested():
                end = end or monotonic() + _LAST_WAIT_S
                if monotonic() > end:
                    raise OSError("the server does not answer, and the command was interrupted") from None
    return future.result()
