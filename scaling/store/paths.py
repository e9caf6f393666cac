"""Names inside a store.

    runs/<part>.parquet                  the commit record: a part without it doesn't exist
    epochs/<part>.parquet
    predictions/<part>.parquet
    test_sets/<fingerprint>.parquet
    weights/<part>/<run id>.safetensors
    claims/<pack key>/claim.<generation>
    checkpoints/<pack key>/<epochs done>.safetensors
    probes/<name>
    logs/

This module alone knows them.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256

PART_DIGITS = 20
SUFFIX = ".parquet"


def part_name(files: Iterable[bytes]) -> str:
    """The name of a part with this content.

    Its content, not its run ids alone: else a publisher could find one of its names taken, by one that was killed, by one that trained the same
    runs at the same time, or by a file that rotted; and a part's tables would come from two trainings.
    """
    digest = sha256()
    for data in files:
        digest.update(sha256(data).digest())
    return digest.hexdigest()[:PART_DIGITS]


def part(table: str, name: str) -> str:
    """One table of a part, or of a test set by its fingerprint."""
    return f"{table}/{name}{SUFFIX}"


def part_names(files: Iterable[str]) -> list[str]:
    """The parts among the files of a table's folder."""
    return [file.removesuffix(SUFFIX) for file in files if file.endswith(SUFFIX)]


def weights(part: str, run_id: str) -> str:
    """The weights of one run of a part."""
    return f"weights/{part}/{run_id}.safetensors"


def claims(key: str) -> str:
    """The folder of a pack's claims."""
    return f"claims/{key}"


def checkpoints(key: str) -> str:
    """The folder of a pack's checkpoints."""
    return f"checkpoints/{key}"


def checkpoint(key: str, epoch: int) -> str:
    """One of them, by the epochs that were done."""
    return f"{checkpoints(key)}/{epoch}.safetensors"


def checkpoint_epochs(files: Iterable[str]) -> list[int]:
    """The epochs among the files of such a folder."""
    names = [file.removesuffix(".safetensors") for file in files if file.endswith(".safetensors")]
    return [int(name) for name in names if name.isdigit()]


def probe(name: str) -> str:
    """A file that only shows that the store can be seen."""
    return f"probes/{name}"
