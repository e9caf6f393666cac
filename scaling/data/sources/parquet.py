"""Data sets in the layout of the Hugging Face hub: Parquet files with encoded images and labels."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from scaling.data.sources.layout import Layout, name_decode_errors
from scaling.datasets import Split

_IMAGE_COLUMNS = ("img", "image")
_LABEL_COLUMN = "label"

_PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_PNG_MODES = {b"\x08\x00\x00\x00\x00": "L", b"\x08\x02\x00\x00\x00": "RGB"}
"""Pillow's name of an image type by bit depth, colour type and methods in the header of a PNG file."""


def parquet_layout(folder: str) -> Layout:
    """Return the layout of a data set in any number of Parquet files.

    Args:
        folder: path of the files, relative to the data folder.
    """
    return Layout(
        f"{folder}/{{train,test}}-*.parquet",
        (f"{folder}/train-*.parquet",),
        (f"{folder}/test-*.parquet",),
        _read,
    )


def _read(files: Sequence[Path]) -> Split:
    parts = [_read_part(file) for file in files]
    return Split(
        np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts])
    )


def _read_part(file: Path) -> Split:
    with name_decode_errors(file), pq.ParquetFile(file) as source:
        columns = source.schema_arrow.names
        image_column = next((name for name in _IMAGE_COLUMNS if name in columns), None)
        if image_column is None or _LABEL_COLUMN not in columns:
            raise ValueError(
                f"expected the columns {' or '.join(_IMAGE_COLUMNS)}, and {_LABEL_COLUMN};"
                f" got {', '.join(columns)}"
            )
        table = source.read(columns=[image_column, _LABEL_COLUMN])
        images = [
            _decode_image(image["bytes"], row) for row, image in enumerate(table[image_column].to_pylist())
        ]
        return Split(np.stack(images), table[_LABEL_COLUMN].to_numpy().astype(np.uint8))


def _decode_image(encoded: bytes | None, row: int) -> np.ndarray:
    try:
        with _open_image(encoded or b"") as image:
            pixels = np.asarray(image)
    except (OSError, ValueError, SyntaxError) as error:
        raise ValueError(f"row {row} holds no whole image: {type(error).__name__}") from error
    return pixels.reshape(*pixels.shape[:2], -1)


def _open_image(encoded: bytes) -> Image.Image:
    """Open an image; the common PNG file takes half of the time that ``Image.open`` needs for its objects.

    The common file has 8 bits, grey or RGB, and no chunk besides the header, one chunk of pixels and the end.
    """
    mode = _PNG_MODES.get(encoded[24:29])
    if (
        mode is None
        or not encoded.startswith(_PNG_START)
        or not encoded.endswith(_PNG_END)
        or encoded[29:33] != zlib.crc32(encoded[12:29]).to_bytes(4, "big")
        or encoded[33:41] != (len(encoded) - 57).to_bytes(4, "big") + b"IDAT"
    ):
        return Image.open(BytesIO(encoded))
    size = int.from_bytes(encoded[16:20], "big"), int.from_bytes(encoded[20:24], "big")
    return Image.frombytes(mode, size, encoded[41:-16], "zip", mode)
