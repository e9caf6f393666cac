"""The tidy table equals a plain loop over its runs."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from scaling import api
from scaling.api._derived_counts import DERIVED_COUNTS
from scaling.api._table import PROMOTED_SETTINGS, RENAMED_COLUMNS, add_requested_settings
from scaling.architectures import Lenet5, Tree3, Vgg
from scaling.config import Data, Recipe, Run, flatten_settings
from scaling.config.cell_index import index_cells
from scaling.config.recipe import Adam, Augmentation
from scaling.config.setting_docs import setting_docs
from scaling.datasets import Cifar10
from scaling.settings import ImageShape
from scaling.store import RUNS_SCHEMA, open_store

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "artifacts" / "published" / "store"

RUNS_OF_CELLS = [
    Run(
        data=Data(type="mnist", fingerprint=fingerprint),
        architecture=network,
        recipe=recipe,
        seed=seed,
        order=seed // 8,
    )
    for seed in (0, 9, 17)
    for network in (
        Lenet5(filters=6),
        Lenet5(filters=6, hidden=()),
        Tree3(filters=6),
        Tree3(filters=7, biases=True),
    )
    for recipe in (Recipe(), Recipe(optimizer=Adam()), Recipe(augmentation=Augmentation(flip=True)))
    for fingerprint in ("f" * 64, "1" * 64)
]


def stored(runs: list[Run]) -> pa.Table:
    rows = [
        {"id": run.id, "config_json": run.config_json, "seed": run.seed, "order": run.order} for run in runs
    ]
    return pa.Table.from_pylist(rows, schema=RUNS_SCHEMA)


def column_of(path: str, run: Run) -> str:
    """Return the column that holds a setting of a run, by its dotted path."""
    is_retraining = path.startswith("pruning.recipe.")
    if run.pruning and path.startswith("recipe."):
        return path.replace(".", "_")  # a short column holds the setting of the retraining
    plain = path.removeprefix("pruning.") if is_retraining else path
    return PROMOTED_SETTINGS.get(plain, path.replace(".", "_"))


def settings_by_column(run: Run) -> dict[str, object]:
    """Return the settings of a run by the columns that hold them."""
    return {
        column_of(path, run): json.dumps(value) if isinstance(value, list) else value
        for path, value in flatten_settings(run).items()
    }


def test_every_setting_of_every_run_equals_a_plain_loop():
    table = api.tidy_table(stored(RUNS_OF_CELLS))
    assert table.num_rows == len(RUNS_OF_CELLS)
    further = {field.name for field in table.schema if field.metadata and b"setting" in field.metadata}
    for row, run in zip(table.to_pylist(), RUNS_OF_CELLS, strict=True):
        settings = settings_by_column(run)
        promoted = set(PROMOTED_SETTINGS.values())
        assert settings.keys() <= further | promoted
        assert {name: row[name] for name in settings.keys() & further} == {
            name: settings[name] for name in settings.keys() & further
        }
        assert all(row[name] is None for name in further - settings.keys())


def test_a_column_of_the_store_equals_the_setting_that_it_holds():
    """In every published cell, pruned ones included. A column says more where the setting means "all"."""
    runs = open_store(PUBLISHED).runs()
    _, first_rows = np.unique(index_cells(runs).cell_of_row, return_index=True)
    runs = runs.take(first_rows)
    table = api.tidy_table(runs)
    assert {"random", "saliency"} <= set(table["pruning_method"].to_pylist())
    for text, row in zip(runs["config_json"].to_pylist(), table.to_pylist(), strict=True):
        settings = settings_by_column(Run.from_json(text))
        known = {name: value for name, value in settings.items() if value is not None}
        assert {name: row[name] for name in known} == known
        assert row["labels"] is not None
        assert row["train_images"] is not None


def test_columns_are_those_of_the_store_the_further_settings_and_the_derived_counts():
    table = api.tidy_table(stored(RUNS_OF_CELLS[:1]))
    names = [RENAMED_COLUMNS.get(name, name) for name in RUNS_SCHEMA.names if name != "config_json"]
    further = [path for path in flatten_settings(RUNS_OF_CELLS[0]) if path not in PROMOTED_SETTINGS]
    assert table.column_names == [
        *names,
        *(path.replace(".", "_") for path in further),
        *DERIVED_COUNTS.names,
    ]


def test_sql_takes_every_column_without_quotes():
    names = api.tidy_table(open_store(PUBLISHED).runs()).column_names
    assert len({name.lower() for name in names}) == len(names)
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute(f"CREATE TABLE runs ({', '.join(names)})")
        for name in names:
            database.execute(f"SELECT {name} FROM runs WHERE {name} = 1 GROUP BY {name} ORDER BY {name}")


def test_a_written_table_says_what_each_column_means(tmp_path):
    workspace = api.Workspace(store=str(PUBLISHED))
    table = api.table(ROOT / "configs" / "quickstart.yaml", workspace).runs
    api.write_table(table, tmp_path / "runs.parquet")
    schema = pq.read_schema(tmp_path / "runs.parquet")
    metadata = {field.name: field.metadata for field in schema}
    assert all(texts[b"description"] for texts in metadata.values())
    assert metadata["test_error"][b"unit"] == b"fraction"
    assert metadata["wall_s"][b"unit"] == b"s"
    assert metadata["architecture_branches"] == {
        b"setting": b"architecture.branches",
        b"description": setting_docs(Tree3)["branches"].encode(),
    }


def test_a_fit_of_the_written_table_has_the_same_caution_about_unfinished_training(tmp_path):
    study, workspace = ROOT / "configs" / "quickstart.yaml", api.Workspace(store=str(PUBLISHED))
    api.write_table(api.table(study, workspace).runs, tmp_path / "runs.csv")
    of_study, of_table = (
        {fit.group[column]: fit.law.reason for fit in api.fit(source, workspace)}
        for source, column in ((str(study), "group"), (str(tmp_path / "runs.csv"), "architecture"))
    )
    assert of_study == of_table
    assert of_table["tree3"] == (
        "at filters 2 the error still falls by 8 % between epoch 7 and the last epoch, 8"
    )


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("architecture.branches", "architecture_branches"),
        ("branches", "architecture_branches"),
        ("recipe.epochs", "epochs"),
        ("order", "data_order"),
    ],
)
def test_a_setting_is_found_by_its_path_and_by_its_short_name(name, column):
    table = api.tidy_table(open_store(PUBLISHED).runs().slice(0, 5))
    assert add_requested_settings(table, {name})[name].equals(table[column])


def test_derived_counts_need_only_the_configuration_and_the_image_shape():
    """The image shape of a published data set is known; other data sets need a row that states the shape."""
    runs = [
        Run(
            data=Data(type=kind, fingerprint=fingerprint),
            architecture=network,
            recipe=Recipe(epochs=2),
            seed=seed,
            order=0,
        )
        for kind, fingerprint in (
            ("cifar10", Cifar10().info(Path()).fingerprint),
            ("npz", "a" * 64),
            ("npz", "b" * 64),
        )
        for network in (Lenet5(filters=6), Vgg(filters=64))
        for seed in (0, 1)
    ]
    rows = stored(runs).to_pylist()
    for run, row in zip(runs, rows, strict=True):
        row |= {"fingerprint": run.data.fingerprint, "train_images": 250}
    rows[4] |= asdict(ImageShape(1, 28, 10))
    table = api.tidy_table(pa.Table.from_pylist(rows, schema=RUNS_SCHEMA))
    known = [ImageShape(3, 32, 10)] * 4 + [ImageShape(1, 28, 10)] * 4
    for row, run, image in zip(table.to_pylist(), runs, known, strict=False):
        layers = run.architecture.layer_table(image)
        assert row["labels"] == image.classes
        assert row["conv_parameters"] == layers.conv_parameters
        assert row["linear_parameters"] == layers.linear_parameters
        assert row["backward_macs"] == layers.backward_macs
        assert row["routes"] == float(layers.routes)
        assert row["training_flops"] == 2 * 200 * 2 * (layers.macs + layers.backward_macs)
    assert [table[name].slice(8).null_count for name in DERIVED_COUNTS.names] == [4] * len(DERIVED_COUNTS)


def test_the_table_of_no_runs_is_empty():
    assert api.tidy_table(stored([])).num_rows == 0
