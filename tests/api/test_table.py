"""The tidy table equals a plain loop over its runs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from scaling import api
from scaling.api._derived_counts import DERIVED_COUNTS
from scaling.architectures import Lenet5, Tree3, Vgg
from scaling.config import Data, Recipe, Run, flatten_settings
from scaling.config.recipe import Adam, Augmentation
from scaling.datasets import Cifar10
from scaling.settings import ImageShape
from scaling.store import RUNS_SCHEMA

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


def test_every_setting_of_every_run_equals_a_plain_loop():
    table = api.tidy_table(stored(RUNS_OF_CELLS))
    assert table.num_rows == len(RUNS_OF_CELLS)
    for row, run in zip(table.to_pylist(), RUNS_OF_CELLS, strict=True):
        settings = {
            name: json.dumps(value) if isinstance(value, list) else value
            for name, value in flatten_settings(run).items()
        }
        promoted = set(RUNS_SCHEMA.names) - {"seed", "order"}
        assert {name: row[name] for name in settings.keys() - promoted} == {
            name: settings[name] for name in settings.keys() - promoted
        }
        absent = (
            set(row) - set(settings) - set(RUNS_SCHEMA.names)
        )  # also the derived counts, because the data set is unknown
        assert not any(row[name] is not None for name in absent)


def test_columns_are_those_of_the_store_the_settings_and_the_derived_counts():
    table = api.tidy_table(stored(RUNS_OF_CELLS[:1]))
    names = [name for name in RUNS_SCHEMA.names if name != "config_json"]
    assert table.column_names == [
        *names,
        *(leaf for leaf in flatten_settings(RUNS_OF_CELLS[0]) if leaf not in RUNS_SCHEMA.names),
        *DERIVED_COUNTS,
    ]


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
    assert [table[name].slice(8).null_count for name in DERIVED_COUNTS] == [4] * len(DERIVED_COUNTS)


def test_the_table_of_no_runs_is_empty():
    assert api.tidy_table(stored([])).num_rows == 0
