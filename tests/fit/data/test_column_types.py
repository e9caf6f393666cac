"""Types of columns for which Arrow lacks functions become types for which it has them, with equal values."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from scaling.errors import TableError
from scaling.fit.data.column_types import is_text, with_common_types

VIEW = pa.string_view()
COLUMNS = {
    "text": pa.array(["a", None], VIEW),
    "bytes": pa.array([b"a", None], pa.binary_view()),
    "list": pa.array([["a"], None], pa.list_(VIEW)),
    "large list": pa.array([["a"], None], pa.large_list(VIEW)),
    "list of fixed size": pa.array([["a", "b"], None], pa.list_(VIEW, 2)),
    "map": pa.array([[("a", "b")], None], pa.map_(VIEW, VIEW)),
    "struct": pa.array([{"a": "b"}, None], pa.struct([("a", VIEW)])),
    "categories": pa.DictionaryArray.from_arrays(pa.array([0, 0]), pa.array(["a"], VIEW)),
    "runs": pc.run_end_encode(pa.array([1, 1])),
    "numbers": pa.array([1, 2]),
    "decimals": pa.array([Decimal("1.5"), None], pa.decimal128(5, 2)),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_rows_of_every_type_can_be_chosen(name):
    values = COLUMNS[name].to_pylist()
    table = with_common_types(pa.table({"x": COLUMNS[name], "y": [1, 2]}))
    assert table.column_names == ["x", "y"]
    assert table["x"].to_pylist() == values
    assert table.take([1, 0])["x"].to_pylist() == values[::-1]


def test_a_common_type_is_kept():
    table = pa.table({"x": pa.array([["a"]], pa.list_(pa.field("element", pa.string())))})
    assert with_common_types(table).schema.equals(table.schema)


def test_a_type_without_rows_is_named():
    runs = pc.run_end_encode(pa.array([1, 1]))
    table = pa.table({"x": pa.ListArray.from_arrays(pa.array([0, 2], pa.int32()), runs)})
    with pytest.raises(
        TableError, match=r"x: holds list<.*>, which cannot be read; write it as text or numbers"
    ):
        with_common_types(table)


def test_text_has_several_types():
    kinds = [pa.string(), pa.large_string(), VIEW, pa.dictionary(pa.int32(), pa.string())]
    assert all(map(is_text, kinds))
    assert not any(map(is_text, [pa.int64(), pa.binary(), pa.dictionary(pa.int32(), pa.int64())]))
