"""Tables to points: reading, rows that are left out with a note, and columns that are refused."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from scaling.errors import TableError
from scaling.fit import EstimationOptions, fit_table, group_points, read_table, required_columns

TABLE = pa.table(
    {
        "architecture": ["lenet5", "tree3", "lenet5", "lenet5", "tree3"],
        "filters": [2, 1, 1, 2, 1],
        "test_error": [0.2, 0.5, 0.4, 0.3, 0.7],
        "test_images": [100] * 5,
        "seed": [0, 0, 0, 1, 1],
    }
)


def changed(**columns: list[object]) -> pa.Table:
    """Return the table with some columns replaced or added."""
    kept = {name: TABLE[name] for name in TABLE.column_names if name not in columns}
    return pa.table({**kept, **columns})


def test_groups_have_the_order_of_their_first_rows():
    lenet5, tree3 = group_points(TABLE)
    assert (lenet5.values, tree3.values) == ({"architecture": "lenet5"}, {"architecture": "tree3"})
    points = lenet5.points
    np.testing.assert_array_equal(points.widths, [1, 2])
    np.testing.assert_array_equal(points.counts, [1, 2])
    np.testing.assert_allclose(points.means, [0.4, 0.25])
    np.testing.assert_allclose(points.std, [np.nan, 0.1 / np.sqrt(2)])
    np.testing.assert_array_equal(tree3.points.y, [0.5, 0.7])
    assert (points.test_images, lenet5.notes) == (100, ())


@pytest.mark.parametrize("name", ["order", "data_order"])
def test_orders_have_one_of_two_names(name):
    lenet5, tree3 = group_points(changed(**{name: [3, 0, 1, 2, 1]}))
    np.testing.assert_array_equal(lenet5.points.order, [1, 3, 2])
    np.testing.assert_array_equal(tree3.points.order, [0, 1])
    assert name in required_columns("filters", "test_error", ())


def test_groups_may_have_several_keys_or_none():
    (group,) = group_points(TABLE, by=())
    assert (group.values, len(group.points.y)) == ({}, 5)
    groups = group_points(changed(depth=[5, None, 5, 5, 2]), by=("architecture", "depth"))
    assert [group.values for group in groups] == [
        {"architecture": "lenet5", "depth": "5"},
        {"architecture": "tree3", "depth": "none"},
        {"architecture": "tree3", "depth": "2"},
    ]


def test_diverged_runs_and_missing_values_are_left_out_with_a_note():
    lenet5, tree3 = group_points(
        changed(test_error=[0.2, 0.5, None, float("nan"), None], diverged=[False, False, None, False, True])
    )
    np.testing.assert_array_equal(lenet5.points.y, [0.2])
    assert lenet5.notes == ("Left out: 2 of 3 runs (no test_error).",)
    assert tree3.notes == ("Left out: 1 of 2 runs (diverged).",)


def test_bare_values_have_no_test_images():
    assert group_points(TABLE.drop_columns("test_images"))[0].points.test_images is None
    assert group_points(changed(test_images=[100, 100, 200, 100, 100]))[0].points.test_images is None
    assert group_points(changed(loss=[1.0] * 5), y="loss")[0].points.test_images is None


def test_percentages_are_reported_and_not_converted():
    percent = changed(test_error=[20.0, 50.0, 40.0, 30.0, 70.0])
    with pytest.raises(
        TableError,
        match="test_error: holds 40, but an error is a fraction of the test images; "
        "divide percentages by 100",
    ):
        group_points(percent)
    (lenet5, _) = group_points(percent.drop_columns("test_images"))
    assert lenet5.points.y.max() == 40
    assert lenet5.notes == (
        "test_error holds values above 1 (the largest: 40): "
        "if they are percentages, so are amplitude and floor.",
    )


def test_no_other_column_is_read():
    """A store reads only the required columns."""
    table = changed(
        diverged=[False, False, True, False, False],
        epochs=[8, 8, 8, 4, 8],
        host=list("abcde"),
        train_error=[0.1] * 5,
    )
    by = ("architecture",)
    needed = table.select(
        [name for name in required_columns("filters", "test_error", by) if name in table.column_names]
    )
    assert set(table.column_names) - set(needed.column_names) == {"host", "train_error"}
    for group, same in zip(group_points(table), group_points(needed), strict=True):
        assert (group.values, group.notes) == (same.values, same.notes)
        assert group.points.test_images == same.points.test_images
        np.testing.assert_array_equal(group.points.x, same.points.x)
        np.testing.assert_array_equal(group.points.y, same.points.y)


def test_averages_over_different_settings_are_reported():
    notes = group_points(changed(epochs=[8, 8, 8, 16, 8], learning_rate=[0.1, 0.1, 0.2, 0.1, 0.1]))[0].notes
    # The learning rate may depend on the width; 8 and 16 epochs at one width are different experiments.
    assert notes == (
        "Runs of one filters differ in epochs, and are averaged all the same: they are no replicates. Group "
        "with `by` epochs, keep one value with `where` epochs=VALUE, keep the last row of each run with "
        "`last_of` epochs, or select the best value with `best_over` epochs.",
    )


@pytest.mark.parametrize(
    ("table", "columns", "message"),
    [
        (
            TABLE,
            {"x": "filter"},
            r"^filter: no such column; did you mean filters\? columns: filters, architecture, test_error",
        ),
        (TABLE, {"y": "wall_s"}, "^wall_s: no such column; columns: filters, seed, test_error"),
        (TABLE, {"by": ("architectures",)}, r"^architectures: no such column; did you mean architecture\?"),
        (
            TABLE,
            {"y": "architecture", "by": ()},
            r"^architecture: row 1 has the text 'lenet5'; choose another column",
        ),
        (TABLE, {"y": "filters"}, "^filters: is requested twice"),
        (TABLE, {"by": ("seed", "filters")}, "^filters: is requested twice"),
        (
            changed(filters=[2, 1, 0, 2, 1]),
            {},
            "^filters: holds 0, but a scaling law needs finite values above 0",
        ),
        (changed(filters=[2, 1, None, 2, 1]), {}, "^filters: holds nan, but"),
        (
            changed(test_error=[0.2, 0.5, -0.1, 0.3, 0.7]),
            {},
            "^test_error: holds -0.1, but a scaling law needs finite values at least 0",
        ),
        (changed(test_error=[0.2, 0.5, float("inf"), 0.3, 0.7]), {}, "^test_error: holds inf, but"),
        (changed(diverged=["maybe"] * 5), {}, "^diverged: expected true or false"),
        (TABLE.append_column("seed", TABLE["seed"]), {}, "^seed: several columns have this name; keep one"),
    ],
)
def test_an_error_names_the_column(table: pa.Table, columns: dict[str, object], message: str):
    with pytest.raises(TableError, match=message):
        group_points(table, **columns)


@pytest.mark.parametrize("names", [[f"c{i}" for i in range(300)], ["c" * 100_000, "d"]])
def test_message_about_many_or_long_columns_is_short(names: list[str]) -> None:
    with pytest.raises(TableError, match=r"^c7x: no such column; .*columns: ") as error:
        group_points(pa.table({name: [1] for name in names}), x="c7x")
    assert len(str(error.value)) <= 500
    assert len(names) < 3 or str(error.value).endswith(", 280 more; `x` chooses one")


def test_a_file_of_either_kind_gives_the_same_points(tmp_path: Path):
    csv, parquet = tmp_path / "runs.csv", tmp_path / "kind=odd" / "runs.parquet"
    parquet.parent.mkdir()
    pyarrow.csv.write_csv(TABLE, csv)
    pyarrow.parquet.write_table(TABLE, parquet)
    assert read_table(csv) == read_table(parquet) == TABLE


def test_an_external_csv_file_is_fitted(tmp_path: Path):
    file = tmp_path / "points.csv"
    file.write_text("width,err\n" + "".join(f"{x},{0.5 * x**-0.4:.12f}\n" for x in (1, 2, 4, 8, 16, 32)))
    (fitted,) = fit_table(read_table(file), EstimationOptions(resamplings=5), x="width", y="err", by=())
    assert fitted.laws["power"].parameters["exponent"].estimate == pytest.approx(0.4)
    assert fitted.label == "all"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("absent.csv", None, "no such file; give the path"),
        ("pipe.csv", None, "is a pipe or a device, not a file; give the path"),
        ("runs.xlsx", b"x", r"ends in \.parquet, \.feather"),
        ("empty.csv", b"", "empty.csv: is empty"),
        ("head.csv", b"filters,test_error\n", "has no rows"),
        ("ragged.csv", b"a,b\n1,2\n1,2,3\n", "cannot be read"),
        ("noise.parquet", b"not parquet", "cannot be read"),
    ],
)
def test_unreadable_files_are_reported(tmp_path: Path, name: str, content: bytes | None, message: str):
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    if name == "pipe.csv":
        os.mkfifo(file)
    with pytest.raises(TableError, match=message) as refused:
        read_table(file)
    assert str(file) in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("unit", "hint"), [(1, "falls. Fit 1 - "), (100, "falls. Divide it by 100, and fit 1 - ")]
)
def test_an_accuracy_is_named_as_a_fraction_and_in_percent(unit, hint):
    accuracy = [unit * (1 - error) for error in TABLE["test_error"].to_pylist()]
    for group in group_points(changed(test_acc=accuracy), y="test_acc"):
        (note,) = group.notes
        assert note.startswith("test_acc looks like an accuracy")
        assert note.endswith(f"{hint}test_acc, with `accuracy` test_acc.")
