"""What a worker is told besides its packs, and where it writes what went wrong; without torch, whose import the driver need not wait for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from scaling.data import LoadedDataset, load
from scaling.datasets import Dataset, DatasetInfo
from scaling.errors import DataError
from scaling.plan import Pack


@dataclass(frozen=True, kw_only=True)
class WorkerConfig:
    """What a worker needs to know besides its packs; it travels to other machines."""

    store: str
    data: Path
    logs: Path
    weights: bool
    device: str = "auto"
    given: Mapping[Dataset, LoadedDataset] = field(default_factory=dict)
    """For workers on machines that may not have the data."""
    lease_s: float = 20.0
    """A claim that was not renewed for so long belongs to a worker that died."""

    def load_dataset(self, dataset: Dataset, info: DatasetInfo) -> LoadedDataset:
        """A data set, read once a process.

        Raises:
            DataError: it isn't to be had here, or is no longer the one that was planned for.
        """
        found = (
            self.given[dataset] if dataset in self.given else _loaded(dataset, self.data, info.fingerprint)
        )
        if found.info.fingerprint != info.fingerprint:
            raise DataError(
                f"{info.title}: its content has changed since the study was planned; start the same command again"
            )
        return found


@lru_cache(maxsize=4)
def _loaded(dataset: Dataset, folder: Path, fingerprint: str) -> LoadedDataset:
    return load(dataset, folder=folder)


def write_log(work: WorkerConfig, pack: Pack, heading: str, text: str) -> str:
    """Write what went wrong into the pack's log. The file; empty where this machine lets none be written."""
    log = work.logs / f"{pack.key}.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as file:
            file.write(f"{heading}: {pack.label}\n{text}\n")
    except OSError:
        return ""
    return str(log)


def first_line(error: Exception) -> str:
    """What an error says, in a line."""
    return (str(error).splitlines() or [""])[0]
