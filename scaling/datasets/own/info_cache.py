"""Cache of the descriptions of a user's own files, so that a study is planned without reading them again.

A description is kept as long as the path, the size and the times of each file stay the same. Files that
changed within the last seconds are not cached: a further change might not change their times.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path
from stat import S_ISREG
from time import time_ns
from typing import Any

import numpy as np
import PIL
from platformdirs import user_cache_path

from scaling.datasets.base import DatasetInfo
from scaling.datasets.canonical import Splits
from scaling.datasets.own.content import OwnContent
from scaling.errors import DataError
from scaling.files import write_atomically
from scaling.settings import ImageShape

_READER_VERSION = 1
"""Version of the readers, raised when one of them changes its results."""
_SETTLED_NS = 2 * 10**9
"""Age of the last change from which a file's times tell its next change."""

_MAX_KEPT_BYTES = 2**30
"""Largest size of images that are kept in memory between planning and training."""
_known: dict[str, DatasetInfo] = {}
"""Descriptions that this process has read, by their keys: all cells of a study ask for the same one."""
_latest: dict[str, Splits] = {}
"""Images that were read for the latest description, by its key: training asks for them next."""


@dataclass(frozen=True)
class ReadingKey:
    """Key of the result of reading some files: everything that the result depends on."""

    digest: str
    """Digest of the settings, of the versions of the readers, and of the paths and times of the files."""
    changed_ns: int
    """Time of the last change of any of the files."""

    @classmethod
    def from_files(cls, files: Sequence[Path], settings: Mapping[str, Any]) -> ReadingKey:
        """Return the key of some files as they are now.

        Args:
            files: the files.
            settings: settings on which the result depends, as JSON values.

        Raises:
            DataError: a file cannot be read.
        """
        versions = [_READER_VERSION, np.__version__, PIL.__version__]
        digest, changed_ns = sha256(json.dumps([*versions, dict(settings)]).encode()), 0
        for file in files:
            try:
                state = file.stat()
            except OSError as error:
                raise DataError(f"{file}: cannot be read ({error.strerror})") from error
            if not S_ISREG(state.st_mode):  # the reader of a pipe would wait for ever
                raise DataError(f"{file}: is a pipe or a device, not a file; remove it")
            changed_ns = max(changed_ns, state.st_mtime_ns, state.st_ctime_ns)
            entry = [str(file.absolute()), state.st_size, state.st_mtime_ns, state.st_ctime_ns]
            digest.update(json.dumps(entry).encode())
        return cls(digest.hexdigest(), changed_ns)


def cached_info(key: ReadingKey, read: Callable[[], OwnContent]) -> DatasetInfo:
    """Return the description of some files, from the cache or by reading them.

    Args:
        key: key of the files.
        read: reads the files.

    Raises:
        DataError: the files are unsuitable.
    """
    if key.digest not in _known:
        file = user_cache_path("scaling") / "own-data" / f"{key.digest}.json"
        _known[key.digest] = _read(file) or _describe(key, read(), file)
    return _known[key.digest]


def _describe(key: ReadingKey, content: OwnContent, file: Path) -> DatasetInfo:
    splits = content.splits()
    info = content.describe(splits)
    _latest.clear()
    if sum(split.images.nbytes for split in splits) <= _MAX_KEPT_BYTES:
        _latest[key.digest] = splits
    if time_ns() - key.changed_ns > _SETTLED_NS:
        with suppress(OSError):  # a cache that cannot be written
            write_atomically(file, json.dumps(_record(asdict(info))).encode())
    return info


def take_splits(key: ReadingKey) -> Splits | None:
    """Return the images that were read for the latest description, once; None for any other key."""
    return _latest.pop(key.digest, None)


def _record(info: dict[str, Any]) -> dict[str, Any]:
    return {"info": info, "sha256": sha256(json.dumps(info, sort_keys=True).encode()).hexdigest()}


def _read(file: Path) -> DatasetInfo | None:
    """Return a cached description; None if there is none, or if it is damaged or of another version."""
    try:
        record = json.loads(file.read_text())
        values = record["info"]
        if record["sha256"] != _record(values)["sha256"] or set(values) != {
            field.name for field in fields(DatasetInfo)
        }:
            return None
        values = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
        return DatasetInfo(**values | {"image": ImageShape(**values["image"])})
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
