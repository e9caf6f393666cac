"""Columns of a user's Parquet files: which hold the images and the labels, and what the labels mean."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from scaling.datasets.own.content import MAX_LABEL
from scaling.datasets.readers import IMAGE_COLUMNS
from scaling.errors import DataError, shorten

_LABEL_COLUMNS = ("label", "labels")
"""Names of the column of labels, in the order of preference."""


@dataclass(frozen=True)
class ColumnNames:
    """Names of the columns of a data set."""

    image: str
    label: str


def choose_columns(
    schema: pa.Schema, file: Path, *, image_column: str | None, label_column: str | None
) -> ColumnNames:
    """Return the columns of the images and of the labels.

    Args:
        schema: schema of the files.
        file: a file, for messages.
        image_column: column of the images that the study names; None to find it.
        label_column: column of the labels that the study names; None to find it.

    Raises:
        DataError: a named column is missing, or there is no column or a choice of columns.
    """
    image_columns = [field.name for field in schema if _holds_images(field.type)]
    label_columns = [field.name for field in schema if _is_label(schema, field)]
    return ColumnNames(
        _choose(schema, file, image_column, image_columns, IMAGE_COLUMNS, kind="image"),
        _choose(schema, file, label_column, label_columns, _LABEL_COLUMNS, kind="label"),
    )


def _choose(
    schema: pa.Schema,
    file: Path,
    given: str | None,
    found: list[str],
    preferred: tuple[str, ...],
    *,
    kind: str,
) -> str:
    listed = shorten(", ".join(schema.names))
    if given is not None:
        if given not in schema.names:
            offered = ", ".join(found) or listed
            raise DataError(f"dataset.{kind}_column: {file} has no column {given}; choose from {offered}")
        return given
    for name in preferred:
        if name in found:
            return name
    if len(found) == 1:
        return found[0]
    if not found:
        raise DataError(
            f"{file}: has no column of {kind}s; its columns are {listed}; name one with dataset.{kind}_column"
        )
    offered = ", ".join(_described(schema, name) for name in found)
    raise DataError(
        f"{file}: has several {kind} columns: {offered}; choose one with dataset.{kind}_column: {found[0]}"
    )


def _described(schema: pa.Schema, name: str) -> str:
    names = label_names(schema, name)
    return f"{name} ({len(names)} classes)" if names else name


def _holds_images(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return bool(kind.get_field_index("bytes") >= 0)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _is_label(schema: pa.Schema, field: pa.Field) -> bool:
    kind = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
    return pa.types.is_integer(kind) or (is_text and field.name in _LABEL_COLUMNS)


def label_names(schema: pa.Schema, column: str) -> dict[int, str]:
    """Return the names of the classes by their labels, from the hub's metadata; empty if it has none."""
    try:
        metadata = json.loads((schema.metadata or {})[b"huggingface"])
        names: Any = metadata["info"]["features"][column]["names"]
        return {label: str(name) for label, name in enumerate(names)} if isinstance(names, list) else {}
    except (KeyError, TypeError, ValueError, RecursionError):
        return {}


def decode_labels(
    labels: Mapping[str, Sequence[pa.ChunkedArray]], name: str, *, origin: str
) -> tuple[dict[str, NDArray[np.int64]], dict[int, str]]:
    """Return the labels of each split as integers, and the names of labels that are text.

    Args:
        labels: the column in each file of a split, by the name of the split.
        name: name of the column.
        origin: name of the folder, for messages.

    Raises:
        DataError: a label is missing, negative, or neither an integer nor text.
    """
    for split, columns in labels.items():
        if missing := sum(column.null_count for column in columns):
            raise DataError(f"{origin}: {name} of {split} has {missing:,} missing values; remove those rows")
    if all(pa.types.is_integer(column.type) for columns in labels.values() for column in columns):
        return {
            split: _integers(columns, f"{origin}: {name} of {split}") for split, columns in labels.items()
        }, {}
    texts = {
        split: [text for column in columns for text in column.to_pylist()]
        for split, columns in labels.items()
    }
    if not all(isinstance(text, str) for column in texts.values() for text in column):
        kinds = ", ".join(
            dict.fromkeys(str(column.type) for columns in labels.values() for column in columns)
        )
        raise DataError(f"{origin}: {name}: expected integers or text, got values of the type {kinds}")
    names = sorted({text for column in texts.values() for text in column})
    number = {text: label for label, text in enumerate(names)}
    numbers = {
        split: np.array([number[text] for text in column], np.int64) for split, column in texts.items()
    }
    return numbers, dict(enumerate(names))


def _integers(columns: Sequence[pa.ChunkedArray], name: str) -> NDArray[np.int64]:
    numbers = [column.to_numpy() for column in columns if len(column)]
    if not numbers:
        return np.empty(0, np.int64)
    smallest, largest = min(part.min() for part in numbers), max(part.max() for part in numbers)
    if not 0 <= smallest <= largest <= MAX_LABEL:
        hint = "the hub marks images without a label by -1" if smallest == -1 else "write classes from 0"
        raise DataError(f"{name}: expected integers >= 0, got {smallest} to {largest}; {hint}")
    return np.concatenate(numbers).astype(np.int64)
