"""Types of columns: a type for which Arrow lacks functions is replaced by a common one."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from scaling.errors import TableError

_DECIMAL_BITS = 128


def with_common_types(table: pa.Table) -> pa.Table:
    """Return a table of the same values whose columns have types that rows can be chosen from.

    Polars writes text as ``string_view``, for which Arrow cannot choose rows. Types of extensions, such as
    UUIDs, become the types in which they are stored.

    Raises:
        TableError: a column has another type from which no rows can be chosen.
    """
    for index, field in enumerate(table.schema):
        column = _common_column(table.column(index), field.type)
        if column.type != field.type:
            table = table.set_column(index, field.name, column)
        try:
            column.slice(0, 0).take(pa.array([], pa.int64()))
        except pa.ArrowNotImplementedError:
            raise TableError(
                f"{field.name}: holds {column.type}, which cannot be read; write it as text or numbers"
            ) from None
    return table


def is_number(kind: pa.DataType) -> bool:
    """Return True for the types of numbers; truth values are none."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind))


def is_text(kind: pa.DataType) -> bool:
    """Return True for the types of text, categories of text included."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _common_column(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Return a column, of this type, in its common type."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], kind)
        return _common_column(column, kind)
    if pa.types.is_run_end_encoded(kind):
        kind = kind.value_type
        column = pa.chunked_array([pc.run_end_decode(chunk) for chunk in column.chunks], kind)
        return _common_column(column, kind)
    if pa.types.is_dictionary(kind) and (common := _common_type(kind.value_type)) != kind.value_type:
        chunks = [
            pa.DictionaryArray.from_arrays(chunk.indices, chunk.dictionary.cast(common))
            for chunk in column.chunks
        ]
        return pa.chunked_array(chunks, pa.dictionary(kind.index_type, common))
    common = _common_type(kind)
    return column if common == kind else column.cast(common)


def _common_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_string_view(kind):
        return pa.large_string()
    if pa.types.is_binary_view(kind):
        return pa.large_binary()
    if pa.types.is_decimal(kind) and kind.bit_width < _DECIMAL_BITS:
        return pa.decimal128(kind.precision, kind.scale)
    if pa.types.is_struct(kind):
        fields = [kind.field(index) for index in range(kind.num_fields)]
        return pa.struct([field.with_type(_common_type(field.type)) for field in fields])
    if pa.types.is_map(kind):
        return pa.map_(_common_type(kind.key_type), _common_type(kind.item_type))
    if not (pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)):
        return kind
    common = _common_type(kind.value_type)
    if common == kind.value_type:  # another type of list can differ in the name of its field
        return kind
    if pa.types.is_fixed_size_list(kind):
        return pa.list_(common, kind.list_size)
    return pa.large_list(common) if pa.types.is_large_list(kind) else pa.list_(common)
