"""Data sets on this machine: found or fetched, verified, cached, memory-mapped.

Batches on a device are in ``scaling.data.minibatches``, which is imported by itself: nothing here needs torch unless it must decode.
"""

from __future__ import annotations

from scaling.data.inventory import DatasetRow, download_dataset, list_datasets
from scaling.data.load import LoadedDataset, load

__all__ = ["DatasetRow", "LoadedDataset", "download_dataset", "list_datasets", "load"]
