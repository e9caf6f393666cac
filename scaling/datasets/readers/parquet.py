"""Data sets in the layout of the Hugging Face hub: Parquet files with encoded images and labels.

An image of another mode, such as one with a palette or an alpha channel, is converted to the channels of the
data set. The fingerprint of the whole shows whether that was right.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from scaling.datasets.canonical import Split
from scaling.datasets.readers.encoded_image import open_image
from scaling.datasets.readers.layout import Layout, name_decode_errors
from scaling.settings import ImageShape

IMAGE_COLUMNS = ("img", "image")
"""Names of the column of images."""

_MODES = {1: "L", 3: "RGB"}
"""Pillow's name of an image type by the number of channels."""


def parquet_layout(folder: str, shape: ImageShape, *, label_column: str = "label") -> Layout:
    """Return the layout of a data set in any number of Parquet files.

    Args:
        folder: path of the files, relative to the data folder.
        shape: shape of the images, grey or RGB.
        label_column: column of the numbers of the classes.
    """
    return Layout(
        f"{folder}/{{train,test}}-*.parquet",
        (f"{folder}/train-*.parquet",),
        (f"{folder}/test-*.parquet",),
        partial(_read, shape=shape, label_column=label_column),
    )


def _read(files: Sequence[Path], *, shape: ImageShape, label_column: str) -> Split:
    parts = [_read_part(file, shape, label_column) for file in files]
    return Split(
        np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts])
    )


def _read_part(file: Path, shape: ImageShape, label_column: str) -> Split:
    with name_decode_errors(file), pq.ParquetFile(file) as source:
        columns = source.schema_arrow.names
        image_column = next((name for name in IMAGE_COLUMNS if name in columns), None)
        if image_column is None or label_column not in columns:
            raise ValueError(
                f"expected the columns {' or '.join(IMAGE_COLUMNS)}, and {label_column};"
                f" got {', '.join(columns)}"
            )
        table = source.read(columns=[image_column, label_column])
        images = [
            _decode_image(encoded, row, shape)
            for row, encoded in enumerate(encoded_images(table[image_column], image_column))
        ]
        return Split(np.stack(images), _decode_labels(table[label_column], label_column))


def encoded_images(column: pa.ChunkedArray, name: str) -> list[bytes | None]:
    """Return the encoded images of a column, which the hub stores as bytes beside a path, or as bytes."""
    kind = column.type
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return list(column.to_pylist())
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        return [image and image["bytes"] for image in column.to_pylist()]
    raise ValueError(f"{name}: expected encoded images, such as PNG, got values of the type {kind}")


def _decode_labels(column: pa.ChunkedArray, name: str) -> NDArray[np.uint8]:
    """Return the labels. Text is refused, because it does not say the order of the classes."""
    if not pa.types.is_integer(column.type) or column.null_count:
        problem = f"{column.null_count} missing values" if column.null_count else f"the type {column.type}"
        raise ValueError(f"{name}: expected the numbers of the classes, from 0, got {problem}")
    return np.asarray(column.cast(pa.uint8()))


def _decode_image(encoded: bytes | None, row: int, shape: ImageShape) -> NDArray[np.uint8]:
    if not encoded:
        raise ValueError(f"row {row} holds no whole image: its bytes are missing")
    size = (shape.side, shape.side)
    try:
        with open_image(encoded, size) as image:
            if image.size != size:
                raise ValueError(f"expected {size[0]}x{size[1]} pixels, got {image.width}x{image.height}")
            mode = _MODES[shape.channels]
            pixels = np.asarray(image if image.mode == mode else image.convert(mode))
    except ValueError as error:
        raise ValueError(f"row {row} holds no whole image of the data set: {error}") from error
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError(f"row {row} holds no whole image: {type(error).__name__}") from error
    return pixels.reshape(*size, shape.channels)
