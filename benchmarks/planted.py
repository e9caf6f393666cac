"""A store of finished runs that nobody trained: as many parts as a real sweep leaves, with planted errors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from scaling.api import Workspace, plan
from scaling.plan import Pack
from scaling.store import (
    EPOCHS_SCHEMA,
    PREDICTIONS_SCHEMA,
    RUNS_SCHEMA,
    TEST_SETS_SCHEMA,
    collect_provenance,
    open_store,
)

BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
EXPONENT, AMPLITUDE, EASIER = 0.5, 0.3, 1000
"""Error = AMPLITUDE * filters ** -EXPONENT * sqrt(EASIER / training images), before its learning curve and binomial noise."""


def study(*, widths: int, seeds: int, epochs: int, train_images: Sequence[int]) -> str:
    """Two architectures by subsets of USPS, whose shape is known without its files; JSON is YAML."""
    filters = list(range(1, widths + 1))
    return json.dumps(
        {
            "study": "planted",
            "dataset": {"type": "usps", "train_images": list(train_images)},
            "architectures": [{"type": "lenet5", "filters": filters}, {"type": "tree3", "filters": filters}],
            "recipe": {"epochs": epochs},
            "seeds": seeds,
        }
    )


def plant(config: Path, store: Path) -> int:
    """Publish every run of a study, a part a pack.

    Returns:
        How many runs.
    """
    packs = plan(config, Workspace(store=str(store))).packs
    opened, maker = open_store(store), collect_provenance()
    return sum(opened.publish(tables(pack, maker)) for pack in packs)


def tables(pack: Pack, maker: dict[str, Any]) -> dict[str, pa.Table]:
    """What a worker would publish of a pack. Logits are all zero: their size is real, and nothing that is timed reads them."""
    cell, layers, recipe = pack.cell, pack.layer_table, pack.cell.recipe
    info, epochs = cell.info, recipe.epochs
    images = cell.dataset.train_size(info)
    rng = np.random.default_rng(int(pack.key, 16))
    rate = AMPLITUDE * cell.architecture.filters**-EXPONENT * (EASIER / images) ** 0.5
    curve = np.minimum(0.9, rate * (1 + 4 / np.arange(1, epochs + 1)))
    errors = rng.binomial(info.test_images, curve, size=(len(pack.runs), epochs))
    common = {
        **maker,
        **{
            "dataset": cell.dataset.type,
            "fingerprint": info.fingerprint,
            "train_images": images,
            "validation_images": 0,
        },
        **{
            "architecture": cell.architecture.type,
            "depth": layers.depth,
            "filters": cell.architecture.filters,
        },
        **{
            "filters_total": cell.architecture.filters_total(info.image),
            **asdict(info.image),
            "epochs": epochs,
            "batch_size": recipe.batch_size,
        },
        **{
            "optimizer": recipe.optimizer.type,
            "learning_rate": recipe.learning_rate,
            "weight_decay": recipe.weight_decay,
        },
        **{
            "precision": recipe.precision,
            "parameters": layers.parameters,
            "connections": layers.connections,
            "macs": layers.macs,
        },
        **{
            "units": layers.units,
            "train_accuracy": 0.99,
            "train_error": 0.01,
            "test_images": info.test_images,
            "diverged": False,
        },
        **{
            "wall_s": 10.0,
            "replicas": pack.size,
            "images_per_s": 1e4,
            "device": "cpu",
            "threads": 1,
            "created_at": BEGAN,
        },
    }
    runs = [
        {
            **common,
            **{
                "id": run.id,
                "config_json": run.config_json,
                "seed": run.seed,
                "order": run.order,
                "training_version": run.training_version,
            },
            **{
                "test_errors": int(wrong),
                "test_error": wrong / info.test_images,
                "test_accuracy": 1 - wrong / info.test_images,
            },
        }
        for run, wrong in zip(pack.runs, errors[:, -1], strict=True)
    ]
    ids = [run.id for run in pack.runs]
    logits = np.zeros(info.test_images * info.image.classes, np.float16)
    prediction = {"fingerprint": info.fingerprint, "classes": info.image.classes, "logits": logits}
    labels = np.zeros(info.test_images, np.uint8)
    return {
        "runs": pa.Table.from_pylist(runs, schema=RUNS_SCHEMA),
        "epochs": _epochs(ids, errors / info.test_images, recipe.learning_rate),
        "predictions": pa.Table.from_pylist(
            [{"id": i, **prediction} for i in ids], schema=PREDICTIONS_SCHEMA
        ),
        "test_sets": pa.Table.from_pylist(
            [{"fingerprint": info.fingerprint, "title": info.title, "labels": labels}],
            schema=TEST_SETS_SCHEMA,
        ),
    }


def _epochs(ids: Sequence[str], test_error: np.ndarray, learning_rate: float) -> pa.Table:
    """A row a run and epoch; ``test_error`` is [runs, epochs]."""
    runs, epochs = test_error.shape
    error, number = test_error.ravel(), np.tile(np.arange(1, epochs + 1), runs)
    columns = {
        "id": np.repeat(ids, epochs),
        "epoch": number,
        "train_loss": 2 * error,
        "train_accuracy": 1 - error,
        "val_accuracy": pa.nulls(len(error), EPOCHS_SCHEMA.field("val_accuracy").type),
        "test_loss": 2 * error,
        "test_accuracy": 1 - error,
        "test_error": error,
        "learning_rate": learning_rate * (1 - (number - 1) / epochs),
        "zero_gradients": 0.3 * error,
        "layer_zero_gradients": ['{"readout": 0.0}'] * len(error),
        "wall_s": 0.1 * number,
    }
    return pa.table(
        [pa.array(columns[name], EPOCHS_SCHEMA.field(name).type) for name in EPOCHS_SCHEMA.names],
        schema=EPOCHS_SCHEMA,
    )
