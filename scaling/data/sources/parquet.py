"""Sets in the Hugging Face hub's layout: Parquet files with a column of encoded images and one of labels."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from PIL import Image

from scaling.data.sources.layout import Layout, name_decode_errors
from scaling.datasets import Split

IMAGE_COLUMNS = ("img", "image")
LABEL_COLUMN = "label"


def parquet(folder: str) -> Layout:
    """The layout of a set that lies in ``folder`` of the data folder, in any number of parts."""
    return Layout(
        f"{folder}/{{train,test}}-*.parquet",
        (f"{folder}/train-*.parquet",),
        (f"{folder}/test-*.parquet",),
        _read,
    )


def _read(files: Sequence[Path]) -> Split:
    parts = [_part(file) for file in files]
    return Split(
        np.concatenate([part.images for part in parts]), np.concatenate([part.labels for part in parts])
    )


def _part(file: Path) -> Split:
    with name_decode_errors(file), pq.ParquetFile(file) as source:
        columns = source.schema_arrow.names
        column = next((name for name in IMAGE_COLUMNS if name in columns), None)
        if column is None or LABEL_COLUMN not in columns:
            raise ValueError(
                f"has columns {', '.join(columns)}; must have {' or '.join(IMAGE_COLUMNS)}, and {LABEL_COLUMN}"
            )
        table = source.read(columns=[column, LABEL_COLUMN])
        images = np.stack(
            [_pixels(image["bytes"], row) for row, image in enumerate(table[column].to_pylist())]
        )
        return Split(images, table[LABEL_COLUMN].to_numpy().astype(np.uint8))


def _pixels(encoded: bytes | None, row: int) -> np.ndarray:
    try:
        with Image.open(BytesIO(encoded or b"")) as image:
            pixels = np.asarray(image)
    except (OSError, ValueError, SyntaxError) as error:
        raise ValueError(f"row {row} holds no whole image: {type(error).__name__}") from error
    return pixels.reshape(*pixels.shape[:2], -1)
