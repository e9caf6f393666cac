"""Arrays in the idx format of http://yann.lecun.com/exdb/mnist, also with gzip.

Two zero bytes, the type of the numbers, the number of axes, their lengths as big-endian 32-bit integers, and
the content. This module reads it because torchvision's reader does not decompress the files and does not name
a damaged file.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Sequence
from math import prod
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scaling.datasets.canonical import Split
from scaling.datasets.readers.layout import Layout, name_decode_errors

_UNSIGNED_BYTES, _INTEGERS = 8, 12
_TYPES: dict[int, np.dtype] = {_UNSIGNED_BYTES: np.dtype(np.uint8), _INTEGERS: np.dtype(">i4")}
"""Type of the numbers by its code."""


def idx_layouts(folder: str, *, train: str, test: str, prefix: str = "") -> tuple[Layout, Layout]:
    """Return the layouts of a data set in four idx files: as they are, and with gzip.

    Args:
        folder: folder of the files, relative to the data folder.
        train: name of the training split in the names of the files.
        test: name of the test split.
        prefix: beginning of the names of the files.
    """

    def layout(suffix: str) -> Layout:
        def names(split: str) -> tuple[str, str]:
            start = f"{folder}/{prefix}{split}"
            return f"{start}-images-idx3-ubyte{suffix}", f"{start}-labels-idx1-ubyte{suffix}"

        text = f"{folder}/{prefix}{{{train},{test}}}-{{images-idx3,labels-idx1}}-ubyte[.gz]"
        return Layout(text, names(train), names(test), _read)

    return layout(""), layout(".gz")


def _read(files: Sequence[Path]) -> Split:
    images, labels = map(read_idx, files)
    return Split(images[..., None], labels)


def read_idx(file: Path, *, integers: bool = False) -> NDArray:
    """Return the array of an idx file.

    Args:
        file: the file; one that ends in ``.gz`` is decompressed.
        integers: expect 32-bit integers in the place of unsigned bytes.

    Raises:
        DataError: the file is damaged, or holds other numbers.
    """
    expected = _INTEGERS if integers else _UNSIGNED_BYTES
    with name_decode_errors(file):
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
        zero, kind, axes = struct.unpack_from(">HBB", content)
        if (zero, kind) != (0, expected):
            raise ValueError(f"not an idx file of {'32-bit integers' if integers else 'unsigned bytes'}")
        shape = struct.unpack_from(f">{axes}i", content, 4)
        dtype, start = _TYPES[kind], 4 + 4 * axes
        if len(content) - start != prod(shape) * dtype.itemsize:
            announced = " x ".join(map(str, shape))
            raise ValueError(
                f"holds {len(content) - start} bytes after its header, which announces {announced}"
            )
        array: NDArray = np.frombuffer(content, dtype, offset=start).reshape(shape)
        return array
