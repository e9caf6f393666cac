"""A folder on NFS, where any system call can fail because another machine has changed what a handle names."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from scaling.errors import StoreError
from scaling.store.backend import MissingFileError
from scaling.store.folder import FolderBackend

SYSTEM_CALLS = [
    (module, name)
    for module, names in (
        (os, ("open", "stat", "lstat", "listdir", "scandir", "link", "unlink", "rename", "mkdir", "fstat")),
        (io, ("open",)),
    )
    for name in names
]


def list_young_and_old(backend: FolderBackend) -> list[tuple[str, int]]:
    return sorted((file.path, file.size) for file in backend.list_files("runs"))


OPERATIONS: dict[str, Callable[[FolderBackend], object]] = {
    "put a new file": lambda backend: backend.put_if_absent("claims/b/c", b"new"),
    "put an existing file": lambda backend: backend.put_if_absent("runs/a", b"new"),
    "get": lambda backend: backend.get("runs/a"),
    "get a missing file": lambda backend: [type(error) for error in backend.get_all(["runs/x"])],
    "list names": lambda backend: backend.list_names("runs"),
    "list names of no folder": lambda backend: backend.list_names("weights"),
    "list files": list_young_and_old,
    "move": lambda backend: backend.move("runs/a", "damaged/a"),
    "exists": lambda backend: [backend.exists(path) for path in ("runs/a", "runs/x")],
    "delete": lambda backend: backend.delete("runs/a"),
}


class StaleHandles:
    """System calls that fail with ESTALE, from one call on.

    Args:
        first: number of the first call that fails; None for none.
        times: number of calls that fail.
        is_late: True if a failing call does its work, but its answer is lost.
    """

    def __init__(self, first: int | None = None, times: int = 1, *, is_late: bool = False) -> None:
        self.first, self.times, self.is_late = first, times, is_late
        self.calls = 0

    def wrap(self, call: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*arguments: object, **options: object) -> object:
            number, self.calls = self.calls, self.calls + 1
            fails = self.first is not None and 0 <= number - self.first < self.times
            if fails and not self.is_late:
                raise OSError(errno.ESTALE, "Stale file handle")
            result = call(*arguments, **options)
            if fails:
                if call is os.open and isinstance(result, int):
                    os.close(result)
                elif hasattr(result, "close"):
                    result.close()
                raise OSError(errno.ESTALE, "Stale file handle")
            return result

        return wrapped


def do(folder: Path, operation: str, handles: StaleHandles) -> tuple[object, dict[str, bytes]]:
    """Do an operation in a new store, and return its result and all files afterwards, hidden ones too."""
    backend = FolderBackend(folder)
    backend.put_if_absent("runs/a", b"old")
    with pytest.MonkeyPatch.context() as patch:
        for module, name in SYSTEM_CALLS:
            patch.setattr(module, name, handles.wrap(getattr(module, name)))
        result = OPERATIONS[operation](backend)
    return result, contents(folder)


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.mark.parametrize("is_late", [False, True], ids=["not done", "done, and the answer lost"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_call_with_a_stale_handle_changes_nothing(tmp_path: Path, operation: str, is_late: bool) -> None:
    undisturbed = StaleHandles()
    expected = do(tmp_path / "undisturbed", operation, undisturbed)
    assert undisturbed.calls
    for first in range(undisturbed.calls):
        handles = StaleHandles(first, is_late=is_late)
        assert do(tmp_path / str(first), operation, handles) == expected
        assert handles.calls > first


@pytest.mark.parametrize("operation", OPERATIONS)
def test_handles_that_stay_stale_are_an_error_of_one_line(tmp_path: Path, operation: str) -> None:
    with pytest.raises(StoreError, match="Stale file handle") as caught:
        do(tmp_path, operation, StaleHandles(0, times=1000))
    assert not isinstance(caught.value, MissingFileError)
    assert "\n" not in str(caught.value)
