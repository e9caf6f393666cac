"""Cache of decoded data sets on this machine's disk, memory-mapped by every process that trains.

The folder of a data set is named after its fingerprint, so all writers of a file write the same bytes. Each
file appears as a whole, the record last: concurrent writers do not harm each other, and a folder without a
record counts as empty. The process that starts a training verifies that the content has the
folder's fingerprint. The fingerprint of features is one of their definition; their record has that of their
content. Workers map the same files and need not verify them again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from platformdirs import user_cache_path

from scaling.data.cached_arrays import CachedArrays
from scaling.datasets import DatasetInfo, Split, compute_fingerprint
from scaling.files import delete_abandoned_files, open_atomically, write_atomically

RECORD_FILE = "content.json"
"""File with the shapes of the arrays and the moments of the pixels; written last."""


def cache_folder(info: DatasetInfo, cache: Path | None) -> Path:
    """Return the folder of a data set in a cache.

    Args:
        info: the data set.
        cache: folder of the cache; by default the user's cache folder.
    """
    return (cache or user_cache_path("scaling") / "datasets") / info.fingerprint


def read_cache(folder: Path, *, verify: bool = False) -> CachedArrays | None:
    """Return the memory-mapped arrays in a folder, or None if a file is missing, cut short or unreadable.

    Deletes what killed writers left in the folders of the cache at least a day ago.

    Args:
        folder: as ``cache_folder`` returns it.
        verify: read every pixel, and also return None if the content has another fingerprint than it should.
    """
    for neighbour in folder.parent.glob("*"):
        delete_abandoned_files(neighbour)
    try:
        record = json.loads((folder / RECORD_FILE).read_text())
        if record.pop("sha256") != _digest(record):
            return None
        arrays = {name: _map(folder / name, shape) for name, shape in record["shapes"].items()}
        train, test = (
            Split(arrays[f"{split}_images.bin"], arrays[f"{split}_labels.bin"]) for split in ("train", "test")
        )
        if verify and compute_fingerprint(train, test) != record.get("content", folder.name):
            return None
        return CachedArrays(train, test, np.array(record["mean"]), np.array(record["std"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None


def write_cache(folder: Path, content: CachedArrays, *, is_computed: bool = False) -> CachedArrays:
    """Write a data set to the cache.

    Args:
        folder: as ``cache_folder`` returns it.
        content: the arrays and their moments.
        is_computed: True if the folder's name is not the fingerprint of the content.

    Returns:
        The arrays mapped from the disk; ``content`` itself if the folder cannot be written.
    """
    splits = {"train": content.train, "test": content.test}
    arrays = {
        f"{name}_{kind}.bin": getattr(split, kind)
        for name, split in splits.items()
        for kind in ("images", "labels")
    }
    record: dict[str, Any] = {
        "shapes": {name: list(array.shape) for name, array in arrays.items()},
        "mean": content.mean.tolist(),
        "std": content.std.tolist(),
    }
    if is_computed:
        record["content"] = compute_fingerprint(content.train, content.test)
    try:
        for name, array in arrays.items():
            with open_atomically(folder / name) as file:
                file.write(np.ascontiguousarray(array).data)
        write_atomically(folder / RECORD_FILE, json.dumps(record | {"sha256": _digest(record)}).encode())
    except OSError:
        return content
    return read_cache(folder) or content


def _map(file: Path, shape: Sequence[int]) -> NDArray[np.uint8]:
    """Map an array of bytes.

    The file has no header, because NumPy reads a header with Python's parser. All parsers of a process share
    one counter of their depth in CPython 3.11: two threads that parse at once can raise a SystemError.

    Raises:
        ValueError: the file has another size.
    """
    if file.stat().st_size != math.prod(shape):
        raise ValueError(f"{file}: not {math.prod(shape)} bytes")
    # A plain array over the mapping: pickle would copy a memmap instead of passing its buffer on.
    return np.asarray(np.memmap(file, np.uint8, mode="r", shape=tuple(shape)))


def _digest(record: dict[str, Any]) -> str:
    """Return a checksum of the record, because the fingerprint does not cover the moments."""
    return sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
