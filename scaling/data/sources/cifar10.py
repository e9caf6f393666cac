"""CIFAR-10 from its published files, or from Parquet in the layout of the Hugging Face hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from scaling.data.sources.locate import FileSource
from scaling.datasets import Split
from scaling.datasets.cifar10 import CIFAR10_INFO
from scaling.datasets.readers import Layout, name_decode_errors, parquet_layout, read_array_pickle

_FOLDER = "cifar-10-batches-py"
_TRAIN = tuple(f"{_FOLDER}/data_batch_{part}" for part in range(1, 6))
_TEST = (f"{_FOLDER}/test_batch",)


def _read(files: Sequence[Path]) -> Split:
    batches = [_read_batch(file) for file in files]
    return Split(
        np.concatenate([batch.images for batch in batches]),
        np.concatenate([batch.labels for batch in batches]),
    )


def _read_batch(file: Path) -> Split:
    from torchvision.datasets import CIFAR10 as TorchvisionCifar10

    checksums = dict([*TorchvisionCifar10.train_list, *TorchvisionCifar10.test_list])
    with name_decode_errors(file):
        batch = read_array_pickle(file, checksums[file.name])
        side, channels = CIFAR10_INFO.image.side, CIFAR10_INFO.image.channels
        images = batch["data"].reshape(-1, channels, side, side).transpose(0, 2, 3, 1)
        return Split(images, np.array(batch["labels"], np.uint8))


def _download(folder: Path) -> None:
    from torchvision.datasets import CIFAR10 as TorchvisionCifar10

    TorchvisionCifar10(folder, download=True)


_BATCHES = Layout(f"{_FOLDER}/{{data_batch_1..5,test_batch}}", _TRAIN, _TEST, _read)
_PARQUET = parquet_layout("cifar10/plain_text", CIFAR10_INFO.image)
CIFAR10 = FileSource("cifar10", (_BATCHES, _PARQUET), _download)
