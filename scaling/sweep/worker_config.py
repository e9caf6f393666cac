"""Configuration of a worker, and the log of a failed pack; without torch, for a quick start of the driver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from scaling.data import LoadedDataset, load
from scaling.datasets import Dataset, DatasetInfo
from scaling.errors import DataError
from scaling.plan import Pack


@dataclass(frozen=True, kw_only=True)
class WorkerConfig:
    """Settings that a worker needs besides its packs. They are sent to other machines."""

    store: str
    """Folder or URI of the store."""
    data: Path
    """The data folder."""
    also: Sequence[str] = ()
    """Folders or URIs of further stores, which may have the weights of networks that are pruned."""
    logs: Path
    """Folder of the logs of failed packs."""
    weights: bool
    """True to publish the weights of the runs."""
    device: str = "auto"
    """``cpu``, ``cuda``, or ``auto`` for a GPU if there is one."""
    preloaded: Mapping[Dataset, LoadedDataset] = field(default_factory=dict)
    """Data sets for workers on machines that may not have the files."""
    max_replicas: int | None = None
    """Largest number of networks that train together, if packs do not fit into memory."""
    lease_s: float = 20.0
    """Time after which a claim that was not renewed belongs to a dead worker."""

    def load_dataset(self, dataset: Dataset, info: DatasetInfo) -> LoadedDataset:
        """Return a data set; each process reads it once.

        Args:
            dataset: the data set, and how much of it is used.
            info: content for which the study was planned.

        Raises:
            DataError: the data set is missing, or its content has changed since the study was planned.
        """
        if dataset in self.preloaded:
            loaded = self.preloaded[dataset]
        else:
            loaded = _load_once(dataset, self.data, info.fingerprint)
        if loaded.info.fingerprint != info.fingerprint:
            raise DataError(
                f"{info.title}: its content has changed since the study was planned;"
                " run the same command again"
            )
        return loaded


@lru_cache(maxsize=4)
def _load_once(dataset: Dataset, folder: Path, fingerprint: str) -> LoadedDataset:
    return load(dataset, folder=folder)


def write_log(config: WorkerConfig, pack: Pack, *, heading: str, text: str) -> str:
    """Append an error to the log of a pack.

    Args:
        config: names the folder of the logs.
        pack: the pack that failed.
        heading: what failed, such as ``attempt 1``.
        text: the traceback.

    Returns:
        The path of the log; empty if this machine cannot write it.
    """
    log = config.logs / f"{pack.key}.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a") as file:
            file.write(f"{heading}: {pack.label}\n{text}\n")
    except OSError:
        return ""
    return str(log)


def first_line(error: Exception) -> str:
    """Return the first line of an error's message."""
    return (str(error).splitlines() or [""])[0]
