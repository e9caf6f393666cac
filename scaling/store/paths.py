"""Names of the files inside a store.

    runs/<part>.parquet                  the commit record: a part exists if and only if this file exists
    epochs/<part>.parquet
    predictions/<part>.parquet
    test_sets/<fingerprint>.parquet
    weights/<part>/<run id>.safetensors
    forecasts/<hash of the content>.json
    compactions/<part>          the part replaces older parts, which may be removed from now on
    damaged/                    files that ``repair`` moved aside, under their paths
    claims/<pack key>/claim.<generation>
    checkpoints/<pack key>/<steps done>.<hash of the content>.safetensors
    checkpoints/<pack key>/<group key>/...        of a part of the pack's networks
    probes/<name>
    logs/

No other module builds or parses these names. Ids and fingerprints come from tables, which others may have
written: a name that is not the name of one file is refused, so that no path leaves its folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256

from scaling.errors import StoreError

PART_TABLES = ("runs", "epochs", "predictions")
"""Tables of which each part has a file; the file of ``runs`` is the commit record."""
WEIGHTS_FOLDER, CLAIMS_FOLDER = "weights", "claims"
CHECKPOINTS_FOLDER, PROBES_FOLDER = "checkpoints", "probes"
"""Folders of weights, claims, checkpoints and probes."""
COMPACTIONS_FOLDER = "compactions"
"""Folder of the records of compactions."""
FORECASTS_FOLDER = "forecasts"
"""Folder of the forecasts."""
RUN_FOLDERS = (*PART_TABLES, "test_sets", WEIGHTS_FOLDER, CLAIMS_FOLDER, CHECKPOINTS_FOLDER)
"""Folders that a training writes to."""
FOLDERS = (*RUN_FOLDERS, PROBES_FOLDER, COMPACTIONS_FOLDER, FORECASTS_FOLDER)
"""Folders whose files belong to this software; the folder ``damaged`` is the user's."""

_HASH_DIGITS = 20
_HASH = rf"[0-9a-f]{{{_HASH_DIGITS}}}"
_TABLE_SUFFIX = ".parquet"
_WEIGHTS_SUFFIX = ".safetensors"
_FORECAST_SUFFIX = ".json"
_CLAIM = r"claim\.(\d+)(?:\.beat\.(\d+)|\.(released))?"
CLAIM_NAME = re.compile(_CLAIM)
"""Name of a claim's file: generation, beat, released."""
_OWN_FILE = re.compile(
    rf"(?:epochs|predictions)/{_HASH}\.parquet|weights/{_HASH}/[^/]+\.safetensors"
    rf"|compactions/{_HASH}|probes/[0-9a-f]{{32}}|claims/[^/]+/{_CLAIM}"
    rf"|checkpoints/{_HASH}/(?:[^/]+/)?\d+\.{_HASH}\.safetensors|(?:[^/]+/)+\.[0-9a-f]{{32}}"
)
"""Paths of files that may be removed: tables and weights, records, probes, claims, checkpoints, temporary
files."""
_TEMPORARY_NAME = re.compile(r"\.[0-9a-f]{32}")
_OWN_FOLDER = re.compile(rf"(?:weights|claims|checkpoints)/{_HASH}(?:/[^/]+)?")


def part_name(runs: bytes) -> str:
    """Return the name of a part from the content of its file of the table ``runs``.

    The file contains the hashes of the part's other files. So the name hashes all contents and not only the
    run ids. Otherwise the file name could already exist: from a killed publisher, from a publisher that
    trained the same runs at the same time, or as a damaged file. The tables of one part would then come from
    two trainings.
    """
    return sha256(runs).hexdigest()[:_HASH_DIGITS]


def first_part_name(files: Sequence[bytes]) -> str:
    """Return the name that the first version of this software gave to a part.

    Args:
        files: contents of the part's tables ``epochs``, ``predictions`` and ``runs``, as far as it has them.
    """
    return sha256(b"".join(sha256(data).digest() for data in files)).hexdigest()[:_HASH_DIGITS]


def table_file(kind: str, name: str) -> str:
    """Return the path of one table of a part, or of a test set with its fingerprint as the name."""
    return f"{kind}/{_file_name(name)}{_TABLE_SUFFIX}"


def part_names(files: Iterable[str]) -> list[str]:
    """Return the names of the parts among the files of a table's folder."""
    names = (file.removesuffix(_TABLE_SUFFIX) for file in files if file.endswith(_TABLE_SUFFIX))
    return [name for name in names if is_file_name(name)]


def foreign_tables(files: Iterable[str]) -> list[str]:
    """Return the files of a table's folder that end like a table and have no name of a part."""
    files = [file for file in files if file.endswith(_TABLE_SUFFIX)]
    return [file for file in files if not is_file_name(file.removesuffix(_TABLE_SUFFIX))]


def part_of(path: str) -> str | None:
    """Return the part that a file belongs to; None for a file that belongs to no part."""
    kind, _, rest = path.partition("/")
    if kind in PART_TABLES:
        return next(iter(part_names([rest])), None)
    name = rest.partition("/")[0] if kind == WEIGHTS_FOLDER else ""
    return name if is_file_name(name) else None


def is_removable(path: str) -> bool:
    """Return whether a file has a name that only this software gives.

    Other files with such a purpose may be the user's, in a folder that is not only a store.
    """
    return bool(_OWN_FILE.fullmatch(path))


def is_temporary(path: str) -> bool:
    """Return whether a file is one that a writer has not given its final name."""
    return bool(_TEMPORARY_NAME.fullmatch(path.rpartition("/")[2]))


def is_pack_folder(path: str) -> bool:
    """Return whether a folder has a name that only this software gives."""
    return bool(_OWN_FOLDER.fullmatch(path))


def is_commit_record(path: str, data: bytes | None = None) -> bool:
    """Return whether a path is that of a commit record, and whether this is its content.

    Args:
        path: path inside the store.
        data: content of the file; by default any.
    """
    if data is not None:
        return path == table_file(PART_TABLES[0], part_name(data))
    return bool(re.fullmatch(rf"{PART_TABLES[0]}/{_HASH}{re.escape(_TABLE_SUFFIX)}", path))


def damaged_file(path: str, number: int) -> str:
    """Return the path to which a damaged file is moved; ``number`` distinguishes files of one path."""
    return f"damaged/{path}.{number}" if number else f"damaged/{path}"


def weights_folder(part: str) -> str:
    """Return the folder of the weights of a part."""
    return f"{WEIGHTS_FOLDER}/{_file_name(part)}"


def weights_file(part: str, run_id: str) -> str:
    """Return the path of the weights of one run of a part."""
    return f"{weights_folder(part)}/{_file_name(run_id)}{_WEIGHTS_SUFFIX}"


def compaction_file(part: str) -> str:
    """Return the path of the record that a part replaces older parts."""
    return f"{COMPACTIONS_FOLDER}/{_file_name(part)}"


def forecast_name(data: bytes) -> str:
    """Return the name of a forecast: the hash of its content, which shows later whether it was changed."""
    return sha256(data).hexdigest()[:_HASH_DIGITS]


def forecast_file(name: str) -> str:
    """Return the path of a forecast."""
    return f"{FORECASTS_FOLDER}/{_file_name(name)}{_FORECAST_SUFFIX}"


def forecast_names(files: Iterable[str]) -> list[str]:
    """Return the names of the forecasts among the files of their folder."""
    names = (file.removesuffix(_FORECAST_SUFFIX) for file in files if file.endswith(_FORECAST_SUFFIX))
    return [name for name in names if is_file_name(name)]


def claims_folder(key: str) -> str:
    """Return the folder of a pack's claims."""
    return f"{CLAIMS_FOLDER}/{_file_name(key)}"


def checkpoints_folder(key: str, group: str = "") -> str:
    """Return the folder of the checkpoints of a pack, or of a group of its networks."""
    folder = f"{CHECKPOINTS_FOLDER}/{_file_name(key)}"
    return f"{folder}/{_file_name(group)}" if group else folder


def checkpoint_name(steps: int, data: bytes) -> str:
    """Return the name of a checkpoint after ``steps`` steps. The hash shows later whether it is damaged."""
    return f"{steps}.{sha256(data).hexdigest()[:_HASH_DIGITS]}{_WEIGHTS_SUFFIX}"


def checkpoint_names(files: Iterable[str]) -> list[str]:
    """Return the names of the checkpoints among the files of a checkpoints folder."""
    return [file for file in files if file.endswith(_WEIGHTS_SUFFIX)]


def checkpoint_steps(name: str) -> int:
    """Return the number of steps before a checkpoint; -1 for a name that this version does not give."""
    match = re.match(r"(\d+)\.", name, re.ASCII)
    return int(match[1]) if match else -1


def probe_file(name: str, *, folder: str = PROBES_FOLDER) -> str:
    """Return the path of a file that only shows that the store is visible, or that a folder is writable."""
    return f"{folder}/{name}"


def is_file_name(name: str) -> bool:
    """Return whether a text can be the name of a part, a run, a data set or a pack.

    The name of a file in a folder is not empty, not hidden, no path, and without control characters.
    """
    return name.isprintable() and not re.search(r"^\.|[/\\]|^$", name)


def _file_name(name: str) -> str:
    """Return the name of a part, a run, a data set or a pack.

    Raises:
        StoreError: the name cannot be the name of a file in a folder.
    """
    if not is_file_name(name):
        raise StoreError(
            f"{name!r}: not the name of a run, a part, a data set or a pack; this software did not write the"
            " table that contains it, so leave its store out"
        )
    return name
