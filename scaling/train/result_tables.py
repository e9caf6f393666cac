"""Rows of the store's tables, from what a pack measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from scaling.data import LoadedDataset
from scaling.store import SCHEMAS, Provenance
from scaling.train.epoch_metrics import EpochMetrics
from scaling.train.pack import PackResult
from scaling.train.zero_gradients import weighted_layers


def build_tables(trained: PackResult, dataset: LoadedDataset, provenance: Provenance) -> dict[str, pa.Table]:
    """One row a run in ``runs`` and ``predictions``, one a run and epoch in ``epochs``, and the test set."""
    pack, labels = trained.pack, np.asarray(dataset.test.labels)
    info = dataset.info
    created_at = datetime.now(UTC)
    rows: dict[str, list[dict[str, Any]]] = {"runs": [], "epochs": [], "predictions": []}
    for run, replica in zip(pack.runs, pack.slots, strict=True):
        diverged = bool(trained.diverged[replica])
        logits = trained.logits[replica]
        errors = None if diverged else int((logits.argmax(1) != labels).sum())
        last = trained.history[-1]
        rows["runs"].append(
            {
                **_shape(trained),
                **provenance.columns(),
                "id": run.id,
                "config_json": run.config_json,
                "learning_rate": run.recipe.learning_rate,
                "weight_decay": run.recipe.weight_decay,
                "seed": run.seed,
                "order": run.order,
                "training_version": run.training_version,
                "train_accuracy": _finite(last.train_accuracy[replica], diverged),
                "train_error": _finite(1 - last.train_accuracy[replica], diverged),
                "val_error": None
                if last.val_accuracy is None
                else _finite(1 - last.val_accuracy[replica], diverged),
                "test_accuracy": None if errors is None else 1 - errors / len(labels),
                "test_error": None if errors is None else errors / len(labels),
                "test_errors": errors,
                "test_images": len(labels),
                "diverged": diverged,
                **_zero_gradients(trained, replica, trained.history, diverged),
                "created_at": created_at,
            }
        )
        rows["predictions"].append(
            {
                "id": run.id,
                "fingerprint": info.fingerprint,
                "classes": info.image.classes,
                "logits": logits.ravel(),
            }
        )
        for epoch in trained.history:
            lost = not bool((epoch.train_loss + epoch.test_loss)[replica].isfinite())
            rows["epochs"].append(
                {
                    "id": run.id,
                    "epoch": epoch.number,
                    "train_loss": _finite(epoch.train_loss[replica], lost),
                    "train_accuracy": _finite(epoch.train_accuracy[replica], lost),
                    "val_accuracy": None
                    if epoch.val_accuracy is None
                    else _finite(epoch.val_accuracy[replica], lost),
                    "test_loss": _finite(epoch.test_loss[replica], lost),
                    "test_accuracy": _finite(epoch.test_accuracy[replica], lost),
                    "test_error": _finite(1 - epoch.test_accuracy[replica], lost),
                    "learning_rate": epoch.lr_factor * run.recipe.learning_rate,
                    **_zero_gradients(trained, replica, [epoch], lost),
                    "wall_s": epoch.wall_s,
                }
            )
    made = {name: pa.Table.from_pylist(rows[name], schema=SCHEMAS[name]) for name in rows}
    test = {"fingerprint": info.fingerprint, "title": info.title, "labels": labels}
    return made | {"test_sets": pa.Table.from_pylist([test], schema=SCHEMAS["test_sets"])}


def _shape(trained: PackResult) -> dict[str, Any]:
    """What all runs of a pack have in common."""
    pack = trained.pack
    cell, layers = pack.cell, pack.layer_table
    return {
        "dataset": cell.dataset.type,
        "fingerprint": cell.info.fingerprint,
        "train_images": cell.dataset.train_size(cell.info),
        "validation_images": cell.dataset.validation,
        **asdict(cell.info.image),
        "architecture": cell.architecture.type,
        "depth": layers.depth,
        "filters": cell.architecture.filters,
        "filters_total": cell.architecture.filters_total(cell.info.image),
        "epochs": cell.recipe.epochs,
        "batch_size": cell.recipe.batch_size,
        "optimizer": cell.recipe.optimizer.type,
        "precision": cell.recipe.precision,
        "parameters": layers.parameters,
        "connections": layers.connections,
        "macs": layers.macs,
        "units": layers.units,
        "wall_s": trained.wall_s,
        "replicas": pack.size,
        "images_per_s": trained.images_per_s,
        "device": trained.device,
        "threads": trained.threads,
    }


def _zero_gradients(
    trained: PackResult, replica: int, epochs: Sequence[EpochMetrics], lost: bool
) -> dict[str, Any]:
    """The mean share of weights without a gradient over those epochs that have one, in all and of each layer."""
    measured = [epoch.zero_gradients[replica] for epoch in epochs if epoch.zero_gradients is not None]
    if lost or not measured:
        return {"zero_gradients": None, "layer_zero_gradients": None}
    every, *layers = torch.stack(measured).mean(dim=0).tolist()
    return {
        "zero_gradients": every,
        "layer_zero_gradients": json.dumps(
            dict(zip(weighted_layers(trained.pack.layer_table), layers, strict=True))
        ),
    }


def _finite(value: Any, lost: bool) -> float | None:
    """A number, or null once the replica's loss was not finite."""
    return None if lost else float(value)
