"""Errors from counts, and the best value of a setting by validation error, compared with plain loops."""

from __future__ import annotations

from itertools import product

import numpy as np
import pyarrow as pa
import pytest

from scaling.errors import TableError
from scaling.fit import EstimationOptions, add_error_from_counts, fit_table, select_best

WIDTHS, RATES, SEEDS = (1, 2, 4, 8, 16, 32), (0.01, 0.1, 1.0), 4


def tuning_runs() -> pa.Table:
    """Return runs at several learning rates; the best rate depends on the width, and validation and test
    differ by chance.
    """
    rng = np.random.default_rng(0)
    rows = []
    for width, rate, seed in product(WIDTHS, RATES, range(SEEDS)):
        error = 0.4 * width**-0.5 * (1 + 0.2 * np.log(rate * width / 0.5) ** 2)
        val, test = error * rng.normal(1, 0.02, 2)
        rows.append(
            {
                "filters": width,
                "learning_rate": rate,
                "seed": seed,
                "val_error": val,
                "test_error": test,
                "architecture": "a",
            }
        )
    return pa.Table.from_pylist(rows)


def test_error_is_the_fraction_of_wrong_predictions():
    table = pa.table(
        {"n": [1, 2, 4], "wrong": [40, None, 10], "of": [100, 100, 100], "test_error": [9.0, 9.0, 9.0]}
    )
    converted = add_error_from_counts(table, "wrong", of="of")
    assert converted["test_error"].to_pylist() == [0.4, None, 0.1]
    assert converted["test_images"].to_pylist() == [100, 100, 100]


@pytest.mark.parametrize(("wrong", "of"), [(-1, 100), (101, 100), (0, 0), (1, None), (1.5, 100)])
def test_impossible_counts_are_reported_with_their_row(wrong, of):
    table = pa.table({"wrong": pa.array([3, wrong], pa.float64()), "of": pa.array([100, of], pa.int64())})
    with pytest.raises(TableError, match="wrong: row 2 has"):
        add_error_from_counts(table, "wrong", of="of")


def test_error_from_counts_is_fitted_as_a_count():
    x = np.repeat(WIDTHS, SEEDS)
    wrong = np.random.default_rng(0).binomial(1000, 0.4 * x**-0.5)
    table = add_error_from_counts(
        pa.table({"n": x, "wrong": wrong, "of": np.full(len(x), 1000)}), "wrong", of="of"
    )
    (fitted,) = fit_table(table, EstimationOptions(resamplings=50), x="n", by=())
    assert fitted.points.test_images == 1000
    # The spread of a binomial: the dispersion is 1, up to four standard errors of a variance.
    assert fitted.dispersion == pytest.approx(1, abs=4 * np.sqrt(2 / fitted.points.run_dispersion.dof))


def test_the_selected_value_has_the_lowest_validation_error():
    table = tuning_runs()
    selected = select_best(table, ["learning_rate"], x="filters", by=["architecture"], validation="val_error")
    (note,) = selected.notes
    kept = selected.table
    rows = table.to_pylist()
    for width in WIDTHS:
        means = {
            rate: np.mean(
                [r["val_error"] for r in rows if (r["filters"], r["learning_rate"]) == (width, rate)]
            )
            for rate in RATES
        }
        best = min(means, key=means.get)
        assert {r["learning_rate"] for r in kept.to_pylist() if r["filters"] == width} == {best}
        assert f"{best} at a, {width}" in note
    assert kept.num_rows == len(WIDTHS) * SEEDS
    assert len({r["learning_rate"] for r in kept.to_pylist()}) > 1


def test_a_value_with_diverged_runs_is_not_selected_for_its_other_runs():
    rows = [
        {"filters": 4, "lr": lr, "val": val, "y": 0.1}
        for lr, val in ((0.1, 0.2), (0.1, 0.21), (1.0, 0.1), (1.0, None))
    ]
    selected = select_best(pa.Table.from_pylist(rows), ["lr"], x="filters", by=(), validation="val")
    assert set(selected.table["lr"].to_pylist()) == {0.1}


def test_sizes_without_a_validation_error_are_left_out_with_a_note():
    rows = [
        {"filters": size, "lr": 0.1, "val": None if size == 8 else 0.2, "y": 0.1} for size in (2, 4, 8, 8)
    ]
    selected = select_best(pa.Table.from_pylist(rows), ["lr"], x="filters", by=(), validation="val")
    assert selected.table.num_rows == 2
    assert selected.notes[1] == "Left out: 2 of 4 runs (no val at their filters)."


def test_selection_by_an_accuracy_is_refused():
    with pytest.raises(TableError, match="val_accuracy: looks like an accuracy"):
        select_best(
            pa.table({"n": [1], "lr": [1], "val_accuracy": [0.5]}),
            ["lr"],
            x="n",
            by=(),
            validation="val_accuracy",
        )


def test_selection_without_a_validation_error_is_refused():
    table = tuning_runs().set_column(3, "val_error", pa.nulls(len(tuning_runs()), pa.float64()))
    with pytest.raises(
        TableError, match="val_error: has no numbers, so no learning_rate can be selected by it"
    ):
        select_best(table, ["learning_rate"], x="filters", by=(), validation="val_error")
