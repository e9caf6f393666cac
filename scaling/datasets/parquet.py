"""A user's own images in a folder of Parquet files, as the Hugging Face hub stores them.

The names of the files, or of their folders, begin with the split: ``train-00000-of-00002.parquet``,
``test.parquet``, ``train/0000.parquet``. A column holds encoded images, and a column holds labels: integers,
or text. Names of the classes are read from the hub's metadata.

Set here: labels of text become classes in alphabetical order. Files of other splits are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from scaling.datasets.own import (
    SPLITS,
    EncodedImage,
    FolderDataset,
    LabelledImages,
    OwnContent,
    decode_splits,
    split_of,
)
from scaling.datasets.own.columns import ColumnNames, choose_columns, decode_labels, label_names
from scaling.datasets.readers import encoded_images, name_decode_errors
from scaling.errors import DataError
from scaling.settings import IdentityDefault

_LAYOUT = "train-*.parquet and test-*.parquet"
_MAX_LISTED = 5
_ColumnName = Annotated[Annotated[str, Field(min_length=1)] | None, IdentityDefault(None)]


class ParquetDataset(FolderDataset):
    """Images and labels in Parquet files. A run's identity includes the pixels and no path."""

    EXPECTED: ClassVar[str] = f"a folder with {_LAYOUT}"

    type: Literal["parquet"] = "parquet"
    image_column: _ColumnName = None
    """Column of the encoded images; by default ``image`` or ``img``, or the only column of images."""
    label_column: _ColumnName = None
    """Column of the labels; by default ``label``, or the only column of integers."""

    def files(self, folder: Path) -> Sequence[Path]:
        return [file for files in _list_files(self.locate(folder)).values() for file in files]

    def read(self, folder: Path) -> OwnContent:
        root = self.locate(folder)
        files = _list_files(root)
        used = {split: files[split] for split in SPLITS if split in files}
        if not used:
            raise DataError(f"{root}: has no file with a name like train-*.parquet; expected {_LAYOUT}")
        first = next(iter(used.values()))[0]
        with name_decode_errors(first):
            schema = pq.read_schema(first)
        columns = choose_columns(
            schema, first, image_column=self.image_column, label_column=self.label_column
        )
        tables = {split: [_read_table(file, columns) for file in files] for split, files in used.items()}
        decoded = decode_splits(
            {
                split: [
                    image
                    for file, table in zip(used[split], tables[split], strict=True)
                    for image in _encoded(file, table, columns)
                ]
                for split in used
            },
            origin=str(root),
            size=self.size,
        )
        labels = {split: [table[columns.label] for table in tables[split]] for split in used}
        numbers, names = decode_labels(labels, columns.label, origin=str(root))
        found = {split: LabelledImages(decoded.images[split], numbers[split]) for split in used}
        train, test, notes = self.choose_splits(found, origin=str(root), hint=f"expected {_LAYOUT}")
        unused = [file.name for split, others in files.items() if split not in used for file in others]
        more = ", ..." if len(unused) > _MAX_LISTED else ""
        left_out = f"files of other splits are left out: {', '.join(unused[:_MAX_LISTED])}{more}"
        return OwnContent(
            origin=str(root),
            title=root.resolve().name,
            layout=f"Parquet files of {', '.join(used)} with the columns {columns.image} and {columns.label}",
            train=train,
            test=test,
            names=(f"{columns.label} of the training images", f"{columns.label} of the test images"),
            label_names=names or label_names(schema, columns.label),
            notes=(*notes, *decoded.notes, *([left_out] if unused else [])),
        )


def _list_files(root: Path) -> dict[str, list[Path]]:
    """Return the files of a folder by their split; those of any other split have the split ``other``.

    Raises:
        DataError: there are no files, or several folders of files.
    """
    files = sorted(root.glob("*.parquet"))
    if files:
        return _by_split({file: file.name for file in files})
    folders = sorted({file.parent for file in root.glob("*/*.parquet")})
    if folders and all(split_of(folder.name) for folder in folders):
        return _by_split({file: file.parent.name for file in sorted(root.glob("*/*.parquet"))})
    if len(folders) == 1:
        return _list_files(folders[0])
    if folders:
        names = ", ".join(folder.name for folder in folders[:_MAX_LISTED])
        raise DataError(f"{root}: holds several data sets; give dataset.path: {folders[0]} (found {names})")
    deeper = sorted({file.parent.parent for file in root.glob("*/*/*.parquet")})
    if len(deeper) == 1:
        return _list_files(deeper[0])
    raise DataError(f"{root}: has no Parquet files; expected {_LAYOUT}")


def _by_split(names: dict[Path, str]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for file, name in names.items():
        found.setdefault(split_of(name) or "other", []).append(file)
    return found


def _read_table(file: Path, columns: ColumnNames) -> pa.Table:
    with name_decode_errors(file):
        present = pq.read_schema(file).names
        if missing := [name for name in (columns.image, columns.label) if name not in present]:
            raise ValueError(f"has no column {', '.join(missing)}")
        return pq.read_table(file, columns=[columns.image, columns.label], partitioning=None)


def _encoded(file: Path, table: pa.Table, columns: ColumnNames) -> list[EncodedImage]:
    with name_decode_errors(file):
        contents = encoded_images(table[columns.image], columns.image)
    return [EncodedImage(f"{file}: row {row}", content) for row, content in enumerate(contents)]
