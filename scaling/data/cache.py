"""Decoded data sets on this machine's disk, memory-mapped by every process that trains.

A folder is named after the fingerprint of its content, so whoever writes a file writes the same bytes. Each file is written beside its place
and moved there, the record last: processes that write at once don't harm each other, and what has no record is not there. Whoever starts a
training verifies that the content still has the folder's name; workers, who map the same files, need not.
"""

from __future__ import annotations

import json
import os
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from scaling.data.cached_arrays import CachedArrays
from scaling.datasets import Split, compute_fingerprint

RECORD = "content.json"


def read(folder: Path, *, verify: bool = False) -> CachedArrays | None:
    """What is cached there, or None if anything is missing, cut short or unreadable.

    Args:
        verify: read every pixel, and take content of another fingerprint for none.
    """
    try:
        record = json.loads((folder / RECORD).read_text())
        if record.pop("sha256") != _digest(record):
            return None
        # Plain arrays over the mapping: of a subclass, pickle would copy the content instead of handing it over.
        arrays = {name: np.asarray(np.load(folder / name, mmap_mode="r")) for name in record["shapes"]}
        if any(
            list(array.shape) != record["shapes"][name] or array.dtype != np.uint8
            for name, array in arrays.items()
        ):
            return None
        train, test = (
            Split(arrays[f"{split}_images.npy"], arrays[f"{split}_labels.npy"]) for split in ("train", "test")
        )
        if verify and compute_fingerprint(train, test) != folder.name:
            return None
        return CachedArrays(train, test, np.array(record["mean"]), np.array(record["std"]))
    except (OSError, ValueError, EOFError, KeyError, TypeError):
        return None


def write(folder: Path, content: CachedArrays) -> CachedArrays:
    """Cache it. What is returned is mapped from the disk, or the argument itself where nothing can be written."""
    splits = {"train": content.train, "test": content.test}
    arrays = {
        f"{name}_{kind}.npy": getattr(split, kind)
        for name, split in splits.items()
        for kind in ("images", "labels")
    }
    record = {
        "shapes": {name: list(array.shape) for name, array in arrays.items()},
        "mean": content.mean.tolist(),
        "std": content.std.tolist(),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".write-") as scratch:
            for name, array in arrays.items():
                np.save(Path(scratch, name), array)
            Path(scratch, RECORD).write_text(json.dumps(record | {"sha256": _digest(record)}))
            for name in (*arrays, RECORD):
                _sync(Path(scratch, name))
            for name in (*arrays, RECORD):
                Path(scratch, name).replace(folder / name)
        _sync(folder)
    except OSError:
        return content
    return read(folder) or content


def _digest(record: dict[str, Any]) -> str:
    """Of what the record says of the content: no fingerprint holds the moments."""
    return sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _sync(path: Path) -> None:
    """Make what was written, or the names in a folder, survive a power failure."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
