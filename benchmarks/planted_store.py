"""A store of finished runs without any training: as many parts as in a real sweep, with planted errors."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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

CREATED_AT = datetime(2025, 1, 1, tzinfo=UTC)
EXPONENT, AMPLITUDE, REFERENCE_IMAGES = 0.5, 0.3, 1000
"""Final error: AMPLITUDE * filters ** -EXPONENT * sqrt(REFERENCE_IMAGES / training images)."""


def study(*, widths: int, seeds: int, epochs: int, train_images: Sequence[int]) -> str:
    """Return a study of two architectures and subsets of USPS, as JSON, which is YAML; needs no files."""
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
    """Publish every run of a study, one part per pack.

    Returns:
        The number of runs.
    """
    packs = plan(config, Workspace(store=str(store))).packs
    target, provenance = open_store(store), collect_provenance().columns()
    return sum(target.publish(planted_tables(pack, provenance)) for pack in packs)


def planted_tables(pack: Pack, provenance: Mapping[str, Any]) -> dict[str, pa.Table]:
    """Return the tables that a worker would publish for a pack.

    All logits are zero: they have their real size, and no benchmark reads them.

    Args:
        pack: the pack.
        provenance: values of the columns of provenance.
    """
    info, recipe = pack.cell.info, pack.cell.recipe
    errors = _planted_errors(pack)
    ids = [run.id for run in pack.runs]
    logits = np.zeros(info.test_images * info.image.classes, np.float16)
    prediction = {"fingerprint": info.fingerprint, "classes": info.image.classes, "logits": logits}
    labels = np.zeros(info.test_images, np.uint8)
    test_set = {"fingerprint": info.fingerprint, "title": info.title, "labels": labels}
    return {
        "runs": pa.Table.from_pylist(_run_rows(pack, errors[:, -1], provenance), schema=RUNS_SCHEMA),
        "epochs": _epochs_table(ids, errors / info.test_images, recipe.learning_rate),
        "predictions": pa.Table.from_pylist(
            [{"id": run_id, **prediction} for run_id in ids], schema=PREDICTIONS_SCHEMA
        ),
        "test_sets": pa.Table.from_pylist([test_set], schema=TEST_SETS_SCHEMA),
    }


def _planted_errors(pack: Pack) -> np.ndarray:
    """Return counts of test errors from the planted law, with a learning curve and noise: [runs, epochs]."""
    cell, epochs = pack.cell, pack.cell.recipe.epochs
    images = cell.dataset.train_size(cell.info)
    final_rate = AMPLITUDE * cell.architecture.filters**-EXPONENT * (REFERENCE_IMAGES / images) ** 0.5
    rates = np.minimum(0.9, final_rate * (1 + 4 / np.arange(1, epochs + 1)))
    rng = np.random.default_rng(int(pack.key, 16))
    return rng.binomial(cell.info.test_images, rates, size=(len(pack.runs), epochs))


def _run_rows(pack: Pack, errors: np.ndarray, provenance: Mapping[str, Any]) -> list[dict[str, Any]]:
    common = {**provenance, **_common_columns(pack)}
    images = pack.cell.info.test_images
    return [
        {
            **common,
            "id": run.id,
            "config_json": run.config_json,
            "seed": run.seed,
            "order": run.order,
            "training_version": run.training_version,
            "test_errors": int(count),
            "test_error": count / images,
            "test_accuracy": 1 - count / images,
            "train_loss": 2 * count / images,
            "test_loss": 2 * count / images,
        }
        for run, count in zip(pack.runs, errors, strict=True)
    ]


def _common_columns(pack: Pack) -> dict[str, Any]:
    cell, layers, recipe = pack.cell, pack.layer_table, pack.cell.recipe
    return {
        "dataset": cell.dataset.type,
        "fingerprint": cell.info.fingerprint,
        "train_images": cell.dataset.train_size(cell.info),
        "validation_images": 0,
        "architecture": cell.architecture.type,
        "depth": layers.depth,
        "filters": cell.architecture.filters,
        "filters_total": cell.architecture.filters_total(cell.info.image),
        **asdict(cell.info.image),
        "epochs": recipe.epochs,
        "batch_size": recipe.batch_size,
        "optimizer": recipe.optimizer.type,
        "learning_rate": recipe.learning_rate,
        "weight_decay": recipe.weight_decay,
        "precision": recipe.precision,
        "parameters": layers.parameters,
        "connections": layers.connections,
        "macs": layers.macs,
        "units": layers.units,
        "train_accuracy": 0.99,
        "train_error": 0.01,
        "test_images": cell.info.test_images,
        "diverged": False,
        "wall_s": 10.0,
        "replicas": pack.size,
        "images_per_s": 1e4,
        "device": "cpu",
        "threads": 1,
        "created_at": CREATED_AT,
    }


def _epochs_table(ids: Sequence[str], test_error: np.ndarray, learning_rate: float) -> pa.Table:
    """Return one row per run and epoch; ``test_error`` is [runs, epochs]."""
    runs, epochs = test_error.shape
    error, number = test_error.ravel(), np.tile(np.arange(1, epochs + 1), runs)
    columns = {
        "id": np.repeat(ids, epochs),
        "epoch": number,
        "train_loss": 2 * error,
        "train_accuracy": 1 - error,
        "val_loss": [None] * len(error),
        "val_accuracy": [None] * len(error),
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
