"""CIFAR-10 through torchvision, or from Parquet in the Hugging Face hub's layout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scaling.data.sources.layout import Layout, name_decode_errors
from scaling.data.sources.locate import FileSource
from scaling.data.sources.parquet import parquet
from scaling.datasets import Split

BATCHES = "cifar-10-batches-py"
META = f"{BATCHES}/batches.meta"
"""torchvision reads nothing without it."""
TRAIN = (*(f"{BATCHES}/data_batch_{part}" for part in range(1, 6)), META)
TEST = (f"{BATCHES}/test_batch", META)


def _read(files: Sequence[Path]) -> Split:
    from torchvision.datasets import CIFAR10 as TorchvisionCifar10
    from torchvision.datasets.utils import check_integrity

    folder, meta = files[0].parent, TorchvisionCifar10.meta
    # torchvision checks all of them whichever split it reads, but doesn't say which one is at fault.
    for name, md5 in [
        *TorchvisionCifar10.train_list,
        *TorchvisionCifar10.test_list,
        (meta["filename"], meta["md5"]),
    ]:
        with name_decode_errors(folder / name):
            if not check_integrity(folder / name, md5):
                raise ValueError("its MD5 checksum is not that of the published file")
    with name_decode_errors(folder):
        read = TorchvisionCifar10(folder.parent, train=len(files) > len(TEST))
        return Split(read.data, np.array(read.targets, np.uint8))


def _download(folder: Path) -> None:
    from torchvision.datasets import CIFAR10 as TorchvisionCifar10

    TorchvisionCifar10(folder, download=True)


_BATCHES = Layout(f"{BATCHES}/{{data_batch_1..5,test_batch,batches.meta}}", TRAIN, TEST, _read)
CIFAR10 = FileSource("cifar10", (_BATCHES, parquet("cifar10/plain_text")), _download)
