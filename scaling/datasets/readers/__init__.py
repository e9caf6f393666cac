"""Readers of the files of data sets, without torch: a study can be planned on data that were never read.

An error of a reader names the file.
"""

from __future__ import annotations

from scaling.datasets.readers.array_pickle import read_array_pickle
from scaling.datasets.readers.encoded_image import open_image
from scaling.datasets.readers.idx import idx_layouts, read_idx
from scaling.datasets.readers.layout import (
    DatasetFiles,
    Layout,
    fallback_folder,
    locate_layout,
    name_decode_errors,
)
from scaling.datasets.readers.parquet import IMAGE_COLUMNS, encoded_images, parquet_layout

__all__ = [
    "IMAGE_COLUMNS",
    "DatasetFiles",
    "Layout",
    "encoded_images",
    "fallback_folder",
    "idx_layouts",
    "locate_layout",
    "name_decode_errors",
    "open_image",
    "parquet_layout",
    "read_array_pickle",
    "read_idx",
]
