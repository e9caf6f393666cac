"""Data sets in the layout of the Hugging Face hub: Parquet files with encoded images and labels.

An image of another mode, such as one with a palette or an alpha channel, is converted to the channels of the
data set. The fingerprint of the whole shows whether that was right.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from scaling.data.sources.layout import Layout, name_decode_errors
from scaling.datasets import Split
from scaling.settings import ImageShape

_IMAGE_COLUMNS = ("img", "image")
_LABEL_COLUMN = "label"

_PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_PNG_MODES = {b"\x08\x00\x00\x00\x00": "L", b"\x08\x02\x00\x00\x00": "RGB"}
"""Pillow's name of an image type by bit depth, colour type and methods in the header of a PNG file."""


_MODES = {1: "L", 3: "RGB"}
"""Pillow's name of an image type by the number of channels."""


def parquet_layout(folder: str, shape: ImageShape) -> Layout:
    """Return the layout of a data set in any number of Parquet files.

    Args:
        folder: path of the files, relative to the data folder.
        shape: shape of the images, grey or RGB.
    """
    return Layout(
        f"{folder}/{{train,test}}-*.parquet",
        (f"{folder}/train-*.parquet",),
        (f"{folder}/test-*.parquet",),
        partial(_read, shape=shape),
    )


def _read(files: Sequence[Path], *, shape: ImageShape) -> Split:
    parts = [_read_part(file, shape) for file in files]
    return Split(
        np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts])
    )


def _read_part(file: Path, shape: ImageShape) -> Split:
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
            _decode_image(encoded, row, shape)
            for row, encoded in enumerate(_encoded_images(table[image_column], image_column))
        ]
        return Split(np.stack(images), _decode_labels(table[_LABEL_COLUMN]))


def _encoded_images(column: pa.ChunkedArray, name: str) -> list[bytes | None]:
    """Return the encoded images of a column, which the hub stores as bytes beside a path, or as bytes."""
    kind = column.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return list(column.to_pylist())
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        return [image and image["bytes"] for image in column.to_pylist()]
    raise ValueError(f"{name}: expected encoded images, such as PNG, got values of the type {kind}")


def _decode_labels(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    """Return the labels. Text is refused, because it does not say the order of the classes."""
    if not pa.types.is_integer(column.type) or column.null_count:
        problem = f"{column.null_count} missing values" if column.null_count else f"the type {column.type}"
        raise ValueError(f"{_LABEL_COLUMN}: expected the numbers of the classes, from 0, got {problem}")
    return np.asarray(column.cast(pa.uint8()))


def _decode_image(encoded: bytes | None, row: int, shape: ImageShape) -> NDArray[np.uint8]:
    if not encoded:
        raise ValueError(f"row {row} holds no whole image: its bytes are missing")
    size = (shape.side, shape.side)
    try:
        with _open_image(encoded, size) as image:
            if image.size != size:
                raise ValueError(f"expected {size[0]}x{size[1]} pixels, got {image.width}x{image.height}")
            mode = _MODES[shape.channels]
            pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    except ValueError as error:
        raise ValueError(f"row {row} holds no whole image of the data set: {error}") from error
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"row {row} holds no whole image: {type(error).__name__}") from error
    return pixels.reshape(*size, shape.channels)


def _open_image(encoded: bytes, size: tuple[int, int]) -> Image.Image:
    """Open an image; the common PNG file takes half of the time that ``Image.open`` needs for its objects.

    The common file has the expected size, 8 bits, grey or RGB, and no chunk besides the header, one chunk of
    pixels and the end.
    """
    mode = _PNG_MODES.get(encoded[24:29])
    if (
        mode is None
        or not encoded.startswith(_PNG_START)
        or not encoded.endswith(_PNG_END)
        or encoded[16:24] != b"".join(pixels.to_bytes(4, "big") for pixels in size)
        or encoded[29:33] != zlib.crc32(encoded[12:29]).to_bytes(4, "big")
        or encoded[33:41] != (len(encoded) - 57).to_bytes(4, "big") + b"IDAT"
    ):
        return Image.open(BytesIO(encoded))
    return Image.frombytes(mode, size, encoded[41:-16], "zip", mode)
