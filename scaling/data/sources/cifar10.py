"""CIFAR-10 from its published files, or from Parquet in the layout of the Hugging Face hub.

The published files are pickles. This module reads one only if its checksum is that of the published file, and
then with an unpickler that knows nothing but arrays.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from hashlib import md5
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from scaling.data.sources.layout import Layout, name_decode_errors
from scaling.data.sources.locate import FileSource
from scaling.data.sources.parquet import parquet_layout
from scaling.datasets import Split
from scaling.datasets.cifar10 import CIFAR10_INFO

_FOLDER = "cifar-10-batches-py"
_TRAIN = tuple(f"{_FOLDER}/data_batch_{part}" for part in range(1, 6))
_TEST = (f"{_FOLDER}/test_batch",)
_ARRAY_GLOBALS = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
}
"""Module and name of all that a pickled array refers to."""


class _ArrayUnpickler(pickle.Unpickler):
    """Unpickler of containers, numbers, text and arrays. A pickle of anything else could run code."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if (module_name, global_name) not in _ARRAY_GLOBALS:
            raise ValueError(f"refers to {module_name}.{global_name}, which is no array")
        return super().find_class(module_name, global_name)


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
        content = file.read_bytes()
        if md5(content, usedforsecurity=False).hexdigest() != checksums[file.name]:
            raise ValueError("its MD5 checksum is not that of the published file")
        batch = _ArrayUnpickler(BytesIO(content), encoding="latin1").load()
        side, channels = CIFAR10_INFO.image.side, CIFAR10_INFO.image.channels
        images = batch["data"].reshape(-1, channels, side, side).transpose(0, 2, 3, 1)
        return Split(images, np.array(batch["labels"], np.uint8))


def _download(folder: Path) -> None:
    from torchvision.datasets import CIFAR10 as TorchvisionCifar10

    TorchvisionCifar10(folder, download=True)


_BATCHES = Layout(f"{_FOLDER}/{{data_batch_1..5,test_batch}}", _TRAIN, _TEST, _read)
_PARQUET = parquet_layout("cifar10/plain_text", CIFAR10_INFO.image)
CIFAR10 = FileSource("cifar10", (_BATCHES, _PARQUET), _download)
