"""The tidy table reads each configuration once, and says what a plain loop over its runs would."""

from __future__ import annotations

import json

import pyarrow as pa

from scaling import api
from scaling.architectures import Lenet5, Tree3
from scaling.config import Data, Recipe, Run, flat
from scaling.config.recipe import Adam, Augmentation
from scaling.store import RUNS

RUNS_OF_CELLS = [
    Run(data=Data(type="mnist", fingerprint=fingerprint), architecture=network, recipe=recipe, seed=seed, order=seed // 8)
    for seed in (0, 9, 17)
    for network in (Lenet5(filters=6), Lenet5(filters=6, hidden=()), Tree3(filters=6), Tree3(filters=7, biases=True))
    for recipe in (Recipe(), Recipe(optimizer=Adam()), Recipe(augmentation=Augmentation(flip=True)))
    for fingerprint in ("f" * 64, '"seed":1,')
]


def stored(runs: list[Run]) -> pa.Table:
    rows = [{"id": run.id, "config_json": run.config_json, "seed": run.seed, "order": run.order} for run in runs]
    return pa.Table.from_pylist(rows, schema=RUNS)


def test_every_leaf_of_every_run_is_what_a_loop_finds():
    table = api.tidy(stored(RUNS_OF_CELLS))
    assert table.num_rows == len(RUNS_OF_CELLS)
    for row, run in zip(table.to_pylist(), RUNS_OF_CELLS, strict=True):
        leaves = {name: json.dumps(value) if isinstance(value, list) else value for name, value in flat(run).items()}
        promoted = set(RUNS.names) - {"seed", "order"}
        assert {name: row[name] for name in leaves.keys() - promoted} == {name: leaves[name] for name in leaves.keys() - promoted}
        absent = set(row) - set(leaves) - set(RUNS.names)
        assert not any(row[name] is not None for name in absent)


def test_columns_are_the_stores_the_leaves_in_order_and_what_training_cost():
    table = api.tidy(stored(RUNS_OF_CELLS[:1]))
    names = [name for name in RUNS.names if name != "config_json"]
    assert table.column_names == [*names, *(leaf for leaf in flat(RUNS_OF_CELLS[0]) if leaf not in RUNS.names), "training_flops"]


def test_no_runs_make_an_empty_table():
    assert api.tidy(stored([])).num_rows == 0
