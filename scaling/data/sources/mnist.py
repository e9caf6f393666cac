"""MNIST from its idx files in torchvision's layout, or from Parquet in the layout of the Hugging Face hub.

The idx format is that of http://yann.lecun.com/exdb/mnist: two zero bytes, the type (8: unsigned bytes), the
number of axes, their lengths as big-endian 32-bit integers, and the content. This module reads it because
torchvision's reader does not decompress the files and does not name a damaged file.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scaling.data.sources.layout import Layout, name_decode_errors
from scaling.data.sources.locate import FileSource
from scaling.data.sources.parquet import parquet_layout
from scaling.datasets import Split
from scaling.datasets.mnist import MNIST_INFO

_UNSIGNED_BYTES = 8


def _read(files: Sequence[Path]) -> Split:
    images, labels = (_read_array(file) for file in files)
    return Split(images[..., None], labels)


def _read_array(file: Path) -> NDArray[np.uint8]:
    with name_decode_errors(file):
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        zero, kind, axes = struct.unpack_from(">HBB", content)
        if (zero, kind) != (0, _UNSIGNED_BYTES):
            raise ValueError("not an idx file of unsigned bytes")
        shape = struct.unpack_from(f">{axes}i", content, 4)
        array = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
        if array.size != prod(shape):
            announced = " x ".join(map(str, shape))
            raise ValueError(f"holds {array.size} bytes after its header, which announces {announced}")
        return array.reshape(shape)


def _idx_layout(suffix: str) -> Layout:
    def names(split: str) -> tuple[str, str]:
        return f"MNIST/raw/{split}-images-idx3-ubyte{suffix}", f"MNIST/raw/{split}-labels-idx1-ubyte{suffix}"

    return Layout(
        "MNIST/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte[.gz]", names("train"), names("t10k"), _read
    )


def _download(folder: Path) -> None:
    # Imported here, as in the other sources: the import takes two seconds, and only a first use needs it.
    from torchvision.datasets import MNIST as TorchvisionMnist

    TorchvisionMnist(folder, download=True)


_PARQUET = parquet_layout("mnist/mnist", MNIST_INFO.image)
MNIST = FileSource("mnist", (_idx_layout(""), _idx_layout(".gz"), _PARQUET), _download)
