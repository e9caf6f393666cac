"""Pickles of arrays, as the published files of CIFAR are, read without running what a pickle can contain.

A file is read only if its checksum is that of the published file, and then with an unpickler that knows
nothing but arrays.
"""

from __future__ import annotations

import pickle
from hashlib import md5
from io import BytesIO
from pathlib import Path
from typing import Any

_ARRAY_GLOBALS = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}
"""Module and name of all that a pickled array refers to."""


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickler of containers, numbers, text and arrays. A pickle of anything else could run code."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if (module_name, global_name) not in _ARRAY_GLOBALS:
            raise ValueError(f"refers to {module_name}.{global_name}, which is no array")
        return super().find_class(module_name, global_name)


def read_array_pickle(file: Path, checksum: str) -> Any:
    """Return the content of a published pickle.

    Args:
        file: the pickle.
        checksum: MD5 of the published file, as hexadecimal digits.

    Raises:
        ValueError: the file is not the published one, or refers to something else than arrays.
    """
    content = file.read_bytes()
    if md5(content, usedforsecurity=False).hexdigest() != checksum:
        raise ValueError("its MD5 checksum is not that of the published file")
    return _ArrayUnpickler(BytesIO(content), encoding="latin1").load()
