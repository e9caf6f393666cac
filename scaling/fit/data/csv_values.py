"""Values of CSV files: which text is a missing value, and objects that were written as text."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pyarrow import csv

from scaling.fit.data.json_rows import columns_of, parse_json

_DIVERGED = ("NaN", "nan", "-NaN", "-nan")
"""Numbers that a diverged run logs. They are values: an empty cell says that a row has no value."""
CONVERT_OPTIONS = csv.ConvertOptions(
    null_values=[text for text in csv.ConvertOptions().null_values if text not in _DIVERGED]
)
"""Options for reading CSV files."""
_NOT_A_NUMBER = re.compile(r"(?<![\w'\"])(nan|-?inf)(?![\w'\"])")


def parse_objects(table: pa.Table) -> pa.Table:
    """Turn columns of dictionaries, written as text by ``DataFrame.to_csv``, into columns of objects.

    Weights & Biases' example of an export writes the columns ``summary`` and ``config`` so. A column in which
    some text is no dictionary is left as it is.
    """
    for index, field in enumerate(table.schema):
        if not pa.types.is_string(field.type):
            continue
        texts = table[field.name].to_pylist()
        if not all(text is None or (text.startswith("{") and text.endswith("}")) for text in texts):
            continue
        objects = [None if text is None else _parse(text) for text in texts]
        if any(isinstance(value, Mapping) for value in objects):
            try:
                columns = columns_of(objects)
            except ValueError:  # a setting of several kinds
                continue
            if columns:
                struct = pa.StructArray.from_arrays(list(columns.values()), names=list(columns))
                table = table.set_column(index, field.name, struct)
    return table


def _parse(text: str) -> dict[str, Any] | None:
    """Return the dictionary that a text shows; None for other text."""
    for read in (parse_json, ast.literal_eval):
        try:
            value = read(_NOT_A_NUMBER.sub("None", text) if read is ast.literal_eval else text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(value, dict) and all(isinstance(name, str) for name in value):
            return value
    return None
