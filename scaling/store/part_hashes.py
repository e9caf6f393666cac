"""Hashes by which parts and test sets verify themselves, and the largest size of their files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256

import pyarrow as pa

from scaling.store import paths
from scaling.store.backend import Backend, DamagedFileError
from scaling.store.parquet import DecodedFile

MAX_FILE_BYTES = 4 * 1024**3
"""Bytes of the largest file of a part. A larger file is damaged, and is not read into memory."""
FILES_METADATA = "scaling.files"
"""Metadata of a runs table: JSON with the SHA-256 of each further file of the part."""
LABELS_METADATA = "scaling.labels"
"""Metadata of a test set: the SHA-256 of its labels; older files lack it."""
FIRST_VERSION_TABLES = ("epochs", "predictions")
"""Tables that the names of the first parts hash, in this order, before ``runs``."""


def hash_labels(test_set: pa.Table) -> str:
    """Return the SHA-256 of the labels of a test set."""
    return sha256(bytes(test_set["labels"][0].as_py())).hexdigest()


def has_own_name(part: str, runs: bytes, backend: Backend) -> bool:
    """Return whether the name of a part is the hash of its content.

    Args:
        part: name of the part.
        runs: content of its table ``runs``.
        backend: has the other tables, which the names of the first parts hash as well.
    """
    if paths.part_name(runs) == part:
        return True
    others = backend.get_all(
        [paths.table_file(kind, part) for kind in FIRST_VERSION_TABLES], max_bytes=MAX_FILE_BYTES
    )
    return paths.first_part_name([*(data for data in others if isinstance(data, bytes)), runs]) == part


def read_hashes(runs: DecodedFile, name: str) -> Mapping[str, str] | None:
    """Return the hash of each further file of a part; None if a runs table of the first version names none.

    Args:
        runs: the part's table ``runs``.
        name: full name of its file.

    Raises:
        DamagedFileError: the metadata with the hashes cannot be read.
    """
    text = runs.metadata.get(FILES_METADATA.encode())
    if text is None:
        return None
    try:
        hashes = {str(file): str(digest) for file, digest in json.loads(text).items()}
        weights = (file.removeprefix("weights/") for file in hashes.keys() - {*paths.PART_TABLES})
        if all(map(paths.is_file_name, weights)):
            return hashes
        raise ValueError
    except (ValueError, AttributeError, RecursionError):
        raise DamagedFileError(name, f"its metadata {FILES_METADATA} cannot be read") from None
