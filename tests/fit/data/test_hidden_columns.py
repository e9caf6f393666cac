"""Columns that change y in tables without replicates: planted ones are named, and honest tables rarely."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import binom

from scaling.fit import EstimationOptions, Status, add_cells, fit_joint_table, fit_table
from scaling.fit.data.hidden_columns import LEVEL, HiddenColumns, find_hidden_columns

ROWS = 20
CHINCHILLA = {"A": 482.0, "alpha": 0.348, "B": 2085.0, "beta": 0.366, "E": 1.82}
"""The law of Besiroglu et al. (2024)."""


def chinchilla_table(rng: np.random.Generator, *, rows: int, noise: float) -> pa.Table:
    """Return losses of one run each, with a parameter count and a number of tokens of its own."""
    n, d = np.exp(rng.uniform(np.log([5e7, 2e9]), np.log([1e10, 5e11]), (rows, 2)).T)
    law = CHINCHILLA
    loss = law["E"] + law["A"] * n ** -law["alpha"] + law["B"] * d ** -law["beta"]
    return pa.table(
        {
            "N": n,
            "tokens": d,
            "loss": loss * np.exp(noise * rng.standard_normal(rows)),
            "flops": 6 * n * d,
            "wall_s": n * d * np.exp(0.1 * rng.standard_normal(rows)),
            "train_loss": loss * np.exp(noise * rng.standard_normal(rows)),
            "seed": np.arange(rows),
        }
    )


def honest_table(rng: np.random.Generator, *, rows: int, scatter: str) -> pa.Table:
    """Return a law of one size, with sizes, settings, texts and outcomes that do not change it."""
    n = np.exp(rng.uniform(0, 5, rows))
    mean = 0.5 * n**-0.4 + rng.choice([0.0, 0.05])
    factor = {
        "normal": np.exp(0.02 * rng.standard_normal(rows)),
        "heavy tails": np.exp(0.02 * np.clip(rng.standard_t(3, rows), -20, 20)),
        "counts": rng.binomial(2000, mean) / 2000 / mean,
    }[scatter]
    loss = mean * factor
    return pa.table(
        {
            "N": n,
            "loss": loss,
            "tokens": np.exp(rng.uniform(0, 5, rows)),
            "depth": rng.integers(2, 9, rows),
            "lr": 10 ** rng.uniform(-4, -2, rows),
            "temperature": rng.standard_normal(rows),
            "host": rng.choice(["a", "b", "c"], rows),
            "fused": rng.random(rows) < 0.5,
            "epoch": rng.integers(20, 40, rows),
            "parameters": 12 * n**2,
            "flops": 72 * n**3,
            "width": np.round(8 * n**0.5),
            "wall_s": n + rng.exponential(1, rows),
            "train_loss": loss * rng.uniform(0.9, 1, rows),
            "quality": np.round(1 - loss, 2),
            "wrong": np.round(1000 * loss),
            "predicted": mean,
            "created": [f"2025-01-01 {second}" for second in range(rows)],
        }
    )


def found(table: pa.Table, *sizes: str) -> HiddenColumns | None:
    return find_hidden_columns(table, sizes=sizes or ("N",), y="loss")


@pytest.mark.parametrize("rows", [10, ROWS, 40])
@pytest.mark.parametrize("scatter", ["normal", "heavy tails", "counts"])
def test_honest_tables_raise_alarms_at_the_level_of_the_tests(rows, scatter):
    """Bonferroni's inequality bounds the share of tables with an alarm by the level."""
    tables, rng = 150, np.random.default_rng([1, rows])
    alarms = sum(found(honest_table(rng, rows=rows, scatter=scatter)) is not None for _ in range(tables))
    assert alarms <= binom.isf(1e-3, tables, LEVEL)


@pytest.mark.parametrize(("rows", "noise"), [(10, 0.003), (ROWS, 0.01), (40, 0.02)])
def test_the_second_size_of_a_chinchilla_table_is_found(rows, noise):
    """The tests find 19 of 20 tables; the column that was varied freely comes before its product with N."""
    tables, rng = 100, np.random.default_rng([2, rows])
    names = Counter(
        hidden.columns[0]
        for _ in range(tables)
        if (hidden := found(chinchilla_table(rng, rows=rows, noise=noise)))
    )
    assert set(names) <= {"tokens", "flops"}
    assert names.total() >= binom.ppf(1e-3, tables, 0.95)
    assert names["tokens"] >= 0.9 * names.total()


def test_a_table_with_both_sizes_in_the_law_hides_none():
    rng = np.random.default_rng(3)
    tables = [chinchilla_table(rng, rows=40, noise=0.01) for _ in range(100)]
    assert sum(found(table, "N", "tokens") is not None for table in tables) <= binom.isf(1e-3, 100, LEVEL)


@pytest.mark.parametrize("curve", ["power law", "bend"])
def test_functions_of_the_size_are_innocent_whatever_the_curve(curve):
    n = np.geomspace(1, 1000, 30)
    loss = n**-0.5 if curve == "power law" else (1 + (n / 30) ** 4) ** -0.2
    rng = np.random.default_rng(4)
    for _ in range(50):
        table = pa.table(
            {
                "N": n,
                "loss": loss * np.exp(0.001 * rng.standard_normal(30)),
                "parameters": 12 * n**1.8,
                "depth": 2 + np.searchsorted([10, 100, 500], n),
                "lr": np.sort(rng.uniform(1e-4, 1e-2, 30))[::-1],
                "family": np.where(n < 40, "small", "large"),
                "heads": np.maximum(1, np.round(n**0.5 / 8)),
            }
        )
        assert found(table) is None


@pytest.mark.parametrize("values", [["a", "b"], [False, True], [0.1, 0.2], [10, 30, 1000]])
def test_a_factor_that_alternates_along_x_is_named_with_its_options(values):
    n = np.geomspace(1, 1000, 24)
    index = np.random.default_rng(5).permutation(np.arange(24) % len(values))
    loss = n**-0.4 * (1 + 0.3 * index) * np.exp(0.01 * np.random.default_rng(6).standard_normal(24))
    hidden = found(pa.table({"N": n, "loss": loss, "corpus": [values[k] for k in index]}))
    assert hidden is not None
    assert hidden.columns == ("corpus",)
    assert "`by` corpus" in hidden.note
    assert "`where` corpus=VALUE" in hidden.note


def test_a_law_of_one_size_of_two_is_not_usable_and_names_the_joint_law():
    table = chinchilla_table(np.random.default_rng(7), rows=40, noise=0.005)
    options = EstimationOptions(resamplings=100)
    (single,) = fit_table(table, options, x="N", y="loss", by=())
    assert all(law.status is not Status.USABLE for law in single.laws.values())
    assert all("tokens differs between the rows" in law.reason for law in single.laws.values())
    (note,) = [note for note in single.notes if "tokens" in note]
    assert "Fit a joint law of both with `x` N,tokens" in note
    names = ("N", "tokens")
    (joint,) = fit_joint_table(add_cells(table, names), names, options, y="loss")
    assert joint.law is not None
    assert not any("differ in" in note for note in joint.notes)
    for name, truth in (("exponent_n", CHINCHILLA["alpha"]), ("exponent_d", CHINCHILLA["beta"])):
        interval = joint.law.parameters[name]
        assert interval.low <= truth <= interval.high


def test_a_table_of_replicates_is_left_to_the_rows_of_one_size():
    table = chinchilla_table(np.random.default_rng(8), rows=20, noise=0.005)
    assert found(pa.concat_tables([table, table])) is None
