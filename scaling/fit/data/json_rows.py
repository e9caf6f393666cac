"""Rows of a table from JSON and from settings that other programs wrote.

JSON can hold what a column cannot: integers of any length, values of several kinds, and text that is not
Unicode.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa

from scaling.fit.data.columns import first_duplicate

_MAX_DEPTH = 100
"""Largest depth of nesting. Python itself stops at a depth that depends on its version."""
_MAX_DIGITS = 308
"""Largest number of digits of an integer: all such integers are within the range of float64."""
_LARGEST_INT64 = 2**63 - 1
_LARGEST_EXACT = 2**53
"""Integer up to which float64 holds all integers."""
_MAX_CELLS, _MAX_CELLS_PER_VALUE = 10**7, 100
"""Largest number of cells of a table, in all or for each value in it, before it counts as almost empty."""
_KINDS = {bool: "true or false", int: "numbers", float: "numbers", str: "text"}


def decode_text(content: bytes, encoding: str = "utf-8") -> str:
    """Return text.

    Args:
        content: text as bytes.
        encoding: encoding that the text should have.

    Raises:
        ValueError: the content is in another encoding; the message names the line.
    """
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"line {line} is not UTF-8 text; save it as UTF-8") from None


def parse_json(text: str) -> Any:
    """Return the value of JSON, in which ``NaN`` and ``Infinity`` are numbers.

    Raises:
        json.JSONDecodeError: the text is not one JSON value.
        ValueError: the text is too deeply nested, has a name twice in one object, or holds an integer that is
            too long.
    """
    try:
        value = _DECODER.decode(text)
    except RecursionError:
        raise ValueError(f"more than {_MAX_DEPTH} levels of nesting") from None
    _check_depth(value, _MAX_DEPTH)
    return value


def parse_json_lines(text: str) -> list[Mapping[str, Any]]:
    """Return the JSON object of each line that is not empty.

    Arrow's reader would be faster, but ends the process at a line that is deeply nested.

    Raises:
        ValueError: a line is not a JSON object; the message names the line.
    """
    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = parse_json(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"line {number} is not JSON: {error.msg} (column {error.colno})") from error
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
        if not isinstance(row, Mapping):
            raise ValueError(f'line {number}: expected an object, such as {{"loss": 0.1}}')
        rows.append(row)
    return rows


def columns_of(rows: Sequence[Mapping[str, Any] | None]) -> dict[str, pa.Array]:
    """Return the columns of a table of objects: ``config.lr`` for ``lr`` inside ``config``, lists as text.

    Args:
        rows: one object a row; None for an empty row.

    Raises:
        ValueError: values of one column cannot be in one column, or almost all cells would be empty; the
            message names the column.
    """
    flat = [_flatten(row or {}) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    n_cells, n_values = len(names) * len(flat), sum(map(len, flat))
    if n_cells > max(_MAX_CELLS, _MAX_CELLS_PER_VALUE * n_values):
        raise ValueError(f"its {len(flat):,} rows have {len(names):,} names, and each row has few of them")
    return {name: _column_of(name, [row.get(name) for row in flat]) for name in names}


def _flatten(values: Mapping[Any, Any]) -> dict[str, Any]:
    """Return ``config.lr`` for ``lr`` inside ``config``, and lists as text.

    Raises:
        ValueError: two values get one name.
    """
    flat: dict[str, Any] = {}
    for name, value in _named_values(values):
        if name in flat:
            raise ValueError(f"{name}: several columns have this name; keep one")
        flat[name] = value
    return flat


def _column_of(name: str, values: Sequence[bool | int | float | str | None]) -> pa.Array:
    """Return a column of integers, numbers, text or truth values.

    Integers beyond 64 bits become floats, as do integers beyond 53 bits beside floats: a FLOP count can have
    80 bits, and the entropy of NumPy's seeds has 128.

    Raises:
        ValueError: the values are of several kinds, or are text that is not Unicode.
    """
    types = {type(value) for value in values if value is not None}
    kinds = sorted({_KINDS[kind] for kind in types})
    if len(kinds) > 1:
        raise ValueError(f"{name}: holds {' in some rows and '.join(kinds)} in others")
    if not _is_unicode(name):
        raise ValueError(f"the name of a column holds text that is not Unicode: {name!a}")
    if int in types:
        limit = _LARGEST_EXACT if float in types else _LARGEST_INT64
        if any(type(value) is int and abs(value) > limit for value in values):
            values = _as_floats(name, values)
    try:
        return pa.array(values)
    except UnicodeEncodeError:
        row = next(
            row for row, value in enumerate(values) if isinstance(value, str) and not _is_unicode(value)
        )
        text = f"{name}: row {row + 1} holds text that is not Unicode: {values[row]!a}"
        raise ValueError(text) from None


def _named_values(values: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if value is None or type(value) in _KINDS:
            yield str(name), value
        elif isinstance(value, Mapping):
            for inner, setting in _named_values(value):
                yield f"{name}.{inner}", setting
        else:
            yield str(name), _as_text(value)


def _parse_integer(text: str) -> int:
    if len(text.removeprefix("-")) > _MAX_DIGITS:
        raise ValueError(f"an integer of {len(text):,} digits; at most {_MAX_DIGITS} can be read")
    return int(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError(f"{first_duplicate([name for name, _ in pairs])}: appears twice in one object")
    return values


def _check_depth(value: Any, levels: int) -> None:
    """Check that lists and objects are nested in at most so many levels."""
    if not isinstance(value, dict | list):
        return
    if not levels:
        raise ValueError(f"more than {_MAX_DEPTH} levels of nesting")
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            _check_depth(inner, levels - 1)


def _as_text(value: Any) -> str:
    """Return a list as JSON, or as Python shows it if JSON has no such values."""
    try:
        return json.dumps(value, default=str)
    except (TypeError, ValueError):
        return str(value)


def _as_floats(name: str, values: Sequence[Any]) -> list[float | None]:
    try:
        return [None if value is None else float(value) for value in values]
    except OverflowError:
        raise ValueError(f"{name}: holds an integer of more than {_MAX_DIGITS} digits") from None


def _is_unicode(text: str) -> bool:
    """Return False for text with half of a surrogate pair, which JSON and YAML can write and UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


_DECODER = json.JSONDecoder(parse_int=_parse_integer, object_pairs_hook=_object)
