"""Counts become errors, and the best of a setting is chosen by validation images: as plain loops have it."""

from __future__ import annotations

from itertools import product

import numpy as np
import pyarrow as pa
import pytest

from scaling.errors import TableError
from scaling.fit import EstimationOptions, add_error_from_counts, fit_table, select_best

WIDTHS, RATES, SEEDS = (1, 2, 4, 8, 16, 32), (0.01, 0.1, 1.0), 4


def searched() -> pa.Table:
    """Runs at several learning rates; which one is best depends on the width, and validation and test differ by chance."""
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


def test_counts_are_fractions_of_what_was_tested():
    table = pa.table(
        {"n": [1, 2, 4], "wrong": [40, None, 10], "of": [100, 100, 100], "test_error": [9.0, 9.0, 9.0]}
    )
    made = add_error_from_counts(table, "wrong", "of")
    assert made["test_error"].to_pylist() == [0.4, None, 0.1]
    assert made["test_images"].to_pylist() == [100, 100, 100]


@pytest.mark.parametrize(("wrong", "of"), [(-1, 100), (101, 100), (0, 0), (1, None), (1.5, 100)])
def test_counts_that_cannot_be_are_named_with_their_row(wrong, of):
    table = pa.table({"wrong": pa.array([3, wrong], pa.float64()), "of": pa.array([100, of], pa.int64())})
    with pytest.raises(TableError, match="wrong: row 2 has"):
        add_error_from_counts(table, "wrong", "of")


def test_counts_are_fitted_as_counts():
    x = np.repeat(WIDTHS, SEEDS)
    wrong = np.random.default_rng(0).binomial(1000, 0.4 * x**-0.5)
    table = add_error_from_counts(
        pa.table({"n": x, "wrong": wrong, "of": np.full(len(x), 1000)}), "wrong", "of"
    )
    (found,) = fit_table(table, EstimationOptions(resamplings=50), x="n", by=())
    assert found.points.test_images == 1000
    # A binomial's own scatter: the dispersion is 1, to four sigma of a variance.
    assert found.dispersion == pytest.approx(1, abs=4 * np.sqrt(2 / found.points.run_dispersion.dof))


def test_the_best_is_what_a_loop_finds_by_validation_alone():
    table = searched()
    kept, (note,) = select_best(
        table, "learning_rate", x="filters", by=["architecture"], validation="val_error"
    )
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


def test_a_setting_whose_runs_diverge_is_not_chosen_for_its_lucky_ones():
    rows = [
        {"filters": 4, "lr": lr, "val": val, "y": 0.1}
        for lr, val in ((0.1, 0.2), (0.1, 0.21), (1.0, 0.1), (1.0, None))
    ]
    kept, _ = select_best(pa.Table.from_pylist(rows), "lr", x="filters", by=(), validation="val")
    assert set(kept["lr"].to_pylist()) == {0.1}


def test_sizes_without_validation_are_left_out_with_a_note():
    rows = [
        {"filters": size, "lr": 0.1, "val": None if size == 8 else 0.2, "y": 0.1} for size in (2, 4, 8, 8)
    ]
    kept, notes = select_best(pa.Table.from_pylist(rows), "lr", x="filters", by=(), validation="val")
    assert kept.num_rows == 2
    assert notes[1] == "Left out: 2 of 4 runs (no val at their filters)."


def test_an_accuracy_is_nothing_to_be_least():
    with pytest.raises(TableError, match="val_accuracy: looks like an accuracy"):
        select_best(
            pa.table({"n": [1], "lr": [1], "val_accuracy": [0.5]}),
            "lr",
            x="n",
            by=(),
            validation="val_accuracy",
        )


def test_without_validation_nothing_is_chosen():
    table = searched().set_column(3, "val_error", pa.nulls(len(searched()), pa.float64()))
    with pytest.raises(
        TableError, match="val_error: has no numbers, so no learning_rate can be chosen by it"
    ):
        select_best(table, "learning_rate", x="filters", by=(), validation="val_error")
