"""Tables as a store returns them, with planted laws and binomial noise."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scaling.architectures import AnyArchitecture, LayerTable, Lenet5, Tree3
from scaling.config import Data, Recipe, Run
from scaling.settings import ImageShape
from scaling.store.schema import EPOCHS_SCHEMA, RUNS_SCHEMA

TEST_IMAGES = 1000
IMAGE = ImageShape(1, 28, 10)
RECIPE = Recipe(epochs=8)
SHORT_RECIPE = Recipe(epochs=3)
COMMAND = "scaling report " + "long/" * 40 + "x.yaml"
CREATED = datetime(2025, 2, 3, 4, 5, tzinfo=UTC)
PARTIAL = "59 of 64 wanted runs; tree3 has 27 of 32"
DATA = Data(type="mnist5k", fingerprint="0" * 64)
WIDTHS = (1, 2, 3, 4, 6, 8, 12)

PlantedError = Callable[[AnyArchitecture, int], float]
"""Planted mean error of a network after an epoch."""


def lenets(widths: Iterable[int] = WIDTHS, **settings: Any) -> list[Lenet5]:
    return [Lenet5(filters=width, **settings) for width in widths]


def trees(widths: Iterable[int] = WIDTHS, **settings: Any) -> list[Tree3]:
    return [Tree3(filters=width, rows=4, **settings) for width in widths]


def planted_error(network: AnyArchitecture, epoch: int) -> float:
    """Return an error whose floor in the first epochs is spurious, because wide networks train slowly."""
    training = 1 + network.filters**0.5 / epoch**2
    if isinstance(network, Lenet5):
        return 0.09 * network.filters**-0.5 * training
    return (0.16 * network.filters**-0.6 + 0.03) * training


def plant_study(
    networks: Iterable[AnyArchitecture],
    *,
    seeds: int = 8,
    recipe: Recipe = RECIPE,
    data: Data = DATA,
    train_images: int = 4000,
    error: PlantedError = planted_error,
) -> tuple[pa.Table, pa.Table]:
    """Return the runs and epochs of a study without grids."""
    runs, epochs = [], []
    for network in networks:
        layers = network.layer_table(IMAGE)
        for seed in range(seeds):
            run = Run(data=data, architecture=network, recipe=recipe, seed=seed, order=seed // 8)
            rng = np.random.default_rng(int(run.id, 16))
            means = [error(network, epoch) for epoch in range(1, recipe.epochs + 1)]
            errors = rng.binomial(TEST_IMAGES, np.minimum(means, 0.9))
            epochs += [
                {"id": run.id, "epoch": epoch, "test_error": wrong / TEST_IMAGES, "wall_s": epoch * 2.0}
                for epoch, wrong in enumerate(errors, start=1)
            ]
            runs.append(_run_row(run, layers, errors[-1], train_images=train_images))
    return pa.Table.from_pylist(runs, RUNS_SCHEMA), pa.Table.from_pylist(epochs, EPOCHS_SCHEMA)


def add_costs(study: tuple[pa.Table, pa.Table]) -> tuple[pa.Table, pa.Table]:
    """Add the operations of a training run, and times that differ between the runs of a width."""
    runs, epochs = study
    seconds = pa.array(runs["macs"].to_numpy() / 1e4 * np.random.default_rng(0).uniform(0.9, 1.1, len(runs)))
    runs = runs.append_column("training_flops", pc.multiply(runs["macs"], 6 * 8 * 4000))
    return runs.append_column("core_s", seconds), epochs


def _run_row(run: Run, layers: LayerTable, wrong: int, *, train_images: int) -> dict[str, Any]:
    """Return the row of the table ``runs`` for a run that misclassified some test images."""
    network, recipe = run.architecture, run.recipe
    return {
        "id": run.id,
        "config_json": run.config_json,
        "dataset": run.data.type,
        "fingerprint": run.data.fingerprint,
        "train_images": train_images,
        "validation_images": 0,
        "architecture": network.type,
        "depth": layers.depth,
        "filters": network.filters,
        "filters_total": network.filters_total(IMAGE),
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "optimizer": recipe.optimizer.type,
        "learning_rate": recipe.learning_rate,
        "weight_decay": recipe.weight_decay,
        "precision": recipe.precision,
        "seed": run.seed,
        "order": run.order,
        "parameters": layers.parameters,
        "connections": layers.connections,
        "macs": layers.macs,
        "units": layers.units,
        "test_error": wrong / TEST_IMAGES,
        "test_errors": int(wrong),
        "test_images": TEST_IMAGES,
        "diverged": False,
        "wall_s": 16.0 * network.filters,
        "replicas": 8,
        "device": "cpu",
        "threads": 1,
        "host": "here",
        "dirty": False,
        "commit": "c0ffee" * 6,
        "versions": json.dumps({"torch": "2.14.1"}),
        "created_at": datetime(2025, 1, 1, tzinfo=UTC),
    }


def join_studies(*studies: tuple[pa.Table, pa.Table]) -> tuple[pa.Table, pa.Table]:
    """Return several planted studies as one."""
    runs, epochs = zip(*studies, strict=True)
    return pa.concat_tables(runs), pa.concat_tables(epochs)


def replace_column(runs: pa.Table, name: str, value: Callable[[dict[str, Any]], Any]) -> pa.Table:
    """Return the runs with one column computed from each row."""
    field = RUNS_SCHEMA.field(name)
    column = pa.array([value(row) for row in runs.to_pylist()], field.type)
    return runs.set_column(runs.schema.get_field_index(name), field, column)
