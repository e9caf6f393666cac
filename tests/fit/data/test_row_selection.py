"""Choice of rows, compared with plain loops; rows of unfinished runs; accuracies."""

from __future__ import annotations

from itertools import product

import numpy as np
import pyarrow as pa
import pytest

from scaling.errors import TableError
from scaling.fit import add_error_from_accuracy, group_points, select_best, select_last, select_where

ROWS = [
    {"width": width, "seed": seed, "lr": lr, "step": step, "loss": 1 / width + 1 / step + seed / 100}
    for width, seed, lr, step in product((1, 2), (0, 1), (0.1, 0.2), (10, 20, 40))
    if (width, step) != (2, 40)
]
TABLE = pa.Table.from_pylist(ROWS)


def test_the_last_row_of_each_run_is_kept():
    kept = select_last(
        TABLE.take(np.random.default_rng(0).permutation(len(TABLE))), "step", x="width", y="loss"
    )
    expected = [row for row in ROWS if row["step"] == (40 if row["width"] == 1 else 20)]
    assert (
        kept.table.sort_by([(name, "ascending") for name in ("width", "seed", "lr")]).to_pylist() == expected
    )
    assert kept.notes == [
        "Kept the row with the largest step of each of 8 runs (told apart by width, seed, lr); left out: 12 "
        "of 20 rows."
    ]


def test_columns_that_tell_runs_apart_can_be_named():
    kept = select_last(TABLE, "step", x="width", y="loss", run=["seed"])
    # Two learning rates share the last step of what is named as one run.
    assert [row["step"] for row in kept.table.to_pylist()] == [40] * 4 + [20] * 4
    assert "each of 4 runs (told apart by width, seed)" in kept.notes[0]
    with pytest.raises(TableError, match=r"^step: row 2 is empty"):
        select_last(pa.table({"step": [1, None], "x": [1, 1], "y": [1, 1]}), "step", x="x", y="y")


def test_rows_with_given_values_are_kept():
    kept = select_where(TABLE, {"lr": ["0.10"], "step": ["10", "20"]})
    assert kept.table.to_pylist() == [row for row in ROWS if row["lr"] == 0.1 and row["step"] in (10, 20)]
    assert kept.notes == ["Kept 8 of 20 rows (lr = 0.10, step = 10 or 20)."]
    flags = pa.table({"done": [True, False, None], "host": ["a", "b", "a"]})
    assert select_where(flags, {"done": ["true"]}).table.to_pylist() == [{"done": True, "host": "a"}]
    assert select_where(flags, {"host": ["a"]}).table.num_rows == 2


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"rate": ["1"]}, "rate: no such column"),
        ({"lr": ["0.3"]}, "lr: no row has 0.3; it has 0.1, 0.2"),
        ({"width": ["2"], "step": ["40"]}, "width = 2, step = 40: no row has these values together"),
    ],
)
def test_values_that_no_row_has_are_refused(values, message):
    with pytest.raises(TableError, match=message):
        select_where(TABLE, values)


def test_the_best_combination_of_two_settings_has_the_lowest_mean():
    rng = np.random.default_rng(0)
    rows = [
        # Each setting alone would mislead: the best lr depends on the batch size.
        {
            "n": n,
            "lr": lr,
            "bs": bs,
            "val": n**-0.5 * (1 + abs(np.log(lr / bs))) + rng.normal(0, 0.01),
            "y": 0.1,
        }
        for n, lr, bs, _ in product((1, 2, 4), (0.1, 0.2, 0.4), (0.2, 0.4), range(3))
    ]
    kept = select_best(
        pa.Table.from_pylist(rows), ["lr", "bs"], x="n", by=(), validation="val"
    ).table.to_pylist()
    for n in (1, 2, 4):
        means = {
            (lr, bs): np.mean([row["val"] for row in rows if (row["n"], row["lr"], row["bs"]) == (n, lr, bs)])
            for lr, bs in product((0.1, 0.2, 0.4), (0.2, 0.4))
        }
        best = min(means, key=means.__getitem__)
        assert {(row["lr"], row["bs"]) for row in kept if row["n"] == n} == {best}
    with pytest.raises(TableError, match="lr: is named twice"):
        select_best(pa.Table.from_pylist(rows), ["lr", "lr"], x="n", by=(), validation="val")


@pytest.mark.parametrize("column", ["State", "status", "run_state"])
def test_runs_that_have_not_finished_are_left_out_and_counted(column):
    states = ["finished", "crashed", "Running", "finished", "killed", "crashed", "COMPLETE", "early stopped"]
    table = pa.table(
        {"width": [1, 1, 1, 1, 2, 2, 2, 2], "loss": [float(i) for i in range(1, 9)], column: states}
    )
    (group,) = group_points(table, x="width", y="loss", by=())
    assert sorted(group.points.y) == [1, 4, 7, 8]
    assert group.notes == (f"Left out: 4 of 8 runs ({column}: 2 crashed, 1 running, 1 killed).",)
    (group,) = group_points(
        table.drop_columns(column).append_column("region", pa.array(states)), x="width", y="loss", by=()
    )
    assert len(group.points.y) == 8


def test_an_accuracy_is_noted_and_converted_on_request_only():
    table = pa.table({"width": [1, 2, 4, 8], "val_acc": [0.5, 0.7, 0.9, None], "score": [0.5, 0.7, 0.8, 0.9]})
    (group,) = group_points(table, x="width", y="val_acc", by=())
    assert group.points.y.tolist() == [0.5, 0.7, 0.9]
    assert any("Fit 1 - val_acc, with `accuracy` val_acc" in note for note in group.notes)
    (group,) = group_points(table, x="width", y="score", by=())
    assert any("If it is one, fit 1 - score" in note for note in group.notes)
    converted, name = add_error_from_accuracy(table, "val_acc")
    assert (name, converted[name].to_pylist()) == ("1 - val_acc", [0.5, 0.3, 0.1, None])
    with pytest.raises(TableError, match="acc: row 1 has 90, but an accuracy is a share"):
        add_error_from_accuracy(pa.table({"acc": [90.0]}), "acc")
