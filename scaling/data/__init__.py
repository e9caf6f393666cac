"""Data sets on this machine: located or downloaded, verified, cached and memory-mapped.

Minibatches on a device are in ``scaling.data.minibatches``, which is not imported here: loading a cached data
set needs no torch.
"""

from __future__ import annotations

from scaling.data.check import DatasetCheck, Duplicates, check_dataset
from scaling.data.inventory import DatasetRow, download_dataset, list_datasets
from scaling.data.load import LoadedDataset, load

__all__ = [
    "DatasetCheck",
    "DatasetRow",
    "Duplicates",
    "LoadedDataset",
    "check_dataset",
    "download_dataset",
    "list_datasets",
    "load",
]
