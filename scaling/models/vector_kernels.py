"""Decorators of the functions with vector instructions, which numba compiles."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from hashlib import sha256
from pathlib import Path
from time import monotonic, sleep
from typing import Any

from numba import njit

_LOCK_S = 30.0
"""Longest time to wait for another process that compiles; the process may have been stopped."""
_POLL_S = 0.02
_held: set[str] = set()
"""Files whose locks this process holds."""
_NO_ENTRIES: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function on its first call, and store the machine code until a file of kernels changes.

    numba notices only changes of the file that defines a function, but the machine code contains functions of
    other files too. The function's name is part of the stored file's name, so it gets a hash of all files.

    Of several processes that need the function, one compiles it; the others wait, and read what it stored.
    """
    function.__qualname__ += f"_{_SOURCES}"
    dispatcher: Any = njit(cache=True, error_model="numpy")(function)
    compile_or_load, source = dispatcher.compile, function.__code__.co_filename

    def compile_once(signature: Any) -> Any:
        with _locked(source):
            return compile_or_load(signature)

    dispatcher.compile = compile_once
    return dispatcher


def inner_kernel(function: Callable[..., Any]) -> Any:
    """Compile a function that only kernels call, as a part of each of them.

    Without an entry from Python and without a stored file of its own, it compiles faster.
    """
    return njit(error_model="numpy", **_NO_ENTRIES)(function)


@contextmanager
def _locked(source: str) -> Iterator[None]:
    """Hold the lock of a file inside the block, or no lock where files cannot be locked.

    The lock is held once, although kernels of one file call each other.
    """
    if source in _held:
        yield
        return
    with ExitStack() as stack:
        with suppress(OSError):
            file = os.open(source, os.O_RDONLY)
            stack.callback(os.close, file)
            _lock(file)
        _held.add(source)
        stack.callback(_held.remove, source)
        yield


def _lock(file: int) -> None:
    """Wait for the lock of a file.

    Raises:
        OSError: the file cannot be locked.
    """
    end_s = monotonic() + _LOCK_S
    while monotonic() < end_s:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            sleep(_POLL_S)
        else:
            return


def _hash_sources() -> str:
    """Return a hash of all files of kernels."""
    folder = Path(__file__).parent
    content = b"".join(file.read_bytes() for file in sorted(folder.glob("vector_*.py")))
    return sha256(content).hexdigest()[:16]


_SOURCES = _hash_sources()
