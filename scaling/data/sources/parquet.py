"""Data sets in the layout of the Hugging Face hub: Parquet files with encoded images and labels."""

from __future__ import annotations

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
        with Image.open(BytesIO(encoded or b"")) as image:
            pixels = np.asarray(image)
    except (OSError, ValueError, SyntaxError) as error:
        raise ValueError(f"row {row} holds no whole image: {type(error).__name__}") from error
    return pixels.reshape(*pixels.shape[:2], -1)
