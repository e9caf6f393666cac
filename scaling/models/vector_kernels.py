"""Decorator of the functions with vector instructions, which numba compiles."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from numba import njit


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function on its first call, and store the machine code until a file of kernels changes.

    numba notices only changes of the file that defines a function, but the machine code contains functions of
    other files too. The function's name is part of the stored file's name, so it gets a hash of all files.
    """
    function.__qualname__ += f"_{_SOURCES}"
    return njit(cache=True, error_model="numpy")(function)


def _hash_sources() -> str:
    """Return a hash of all files of kernels."""
    folder = Path(__file__).parent
    content = b"".join(file.read_bytes() for file in sorted(folder.glob("vector_*.py")))
    return sha256(content).hexdigest()[:16]


_SOURCES = _hash_sources()
