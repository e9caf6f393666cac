"""CIFAR-10 through torchvision, or from Parquet in the layout of the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scaling.data.sources.layout import Layout, name_decode_errors
from scaling.data.sources.locate import FileSource
from scaling.data.sources.parquet import parquet_layout
from scaling.datasets import Split

_FOLDER = "cifar-10-batches-py"
_META = f"{_FOLDER}/batches.meta"
"""File without which torchvision reads nothing."""
_TRAIN = (*(f"{_FOLDER}/data_batch_{part}" for part in range(1, 6)), _META)
_TEST = (f"{_FOLDER}/test_batch", _META)


def _read(files: Sequence[Path]) -> Split:
    from torchvision.datasets import CIFAR10 as TorchvisionCifar10
    from torchvision.datasets.utils import check_integrity

    folder, meta = files[0].parent, TorchvisionCifar10.meta
    # torchvision checks all files for either split, but its error does not name the damaged file.
    for name, md5 in [
        *TorchvisionCifar10.train_list,
        *TorchvisionCifar10.test_list,
        (meta["filename"], meta["md5"]),
    ]:
        with name_decode_errors(folder / name):
            if not check_integrity(folder / name, md5):
                raise ValueError("its MD5 checksum is not that of the published file")
    with name_decode_errors(folder):
        split = TorchvisionCifar10(folder.parent, train=len(files) > len(_TEST))
        return Split(split.data, np.array(split.targets, np.uint8))


def _download(folder: Path) -> None:
    from torchvision.datasets import CIFAR10 as TorchvisionCifar10

    TorchvisionCifar10(folder, download=True)


_BATCHES = Layout(f"{_FOLDER}/{{data_batch_1..5,test_batch,batches.meta}}", _TRAIN, _TEST, _read)
CIFAR10 = FileSource("cifar10", (_BATCHES, parquet_layout("cifar10/plain_text")), _download)
