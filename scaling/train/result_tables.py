"""Rows of the store's tables, from the results of a pack."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from scaling.config import Run
from scaling.data import LoadedDataset
from scaling.store import SCHEMAS, Provenance
from scaling.train.epoch_metrics import EpochMetrics
from scaling.train.pack_result import PackResult
from scaling.train.zero_gradients import weighted_layers


def build_tables(result: PackResult, dataset: LoadedDataset, provenance: Provenance) -> dict[str, pa.Table]:
    """Build the store's tables of a pack.

    Args:
        result: results of the pack.
        dataset: data set that the pack was trained and tested on.
        provenance: software and machine of the training.

    Returns:
        ``runs`` and ``predictions`` with one row per run, ``epochs`` with one row per run and epoch, and
        ``test_sets``.
    """
    labels, created_at = np.asarray(dataset.test.labels), datetime.now(UTC)
    shared = _shared_columns(result) | provenance.columns() | {"created_at": created_at}
    rows: dict[str, list[dict[str, Any]]] = {"runs": [], "epochs": [], "predictions": []}
    for run, replica in zip(result.pack.runs, result.pack.slots, strict=True):
        logits = result.logits[replica]
        rows["runs"].append(shared | _run_row(result, run, replica, labels))
        rows["predictions"].append(
            {
                "id": run.id,
                "fingerprint": dataset.info.fingerprint,
                "classes": dataset.info.image.classes,
                "logits": logits.ravel(),
            }
        )
        rows["epochs"] += [_epoch_row(result, run, replica, epoch) for epoch in result.history]
    tables = {name: pa.Table.from_pylist(rows[name], schema=SCHEMAS[name]) for name in rows}
    return tables | {"test_sets": build_test_set(dataset)}


def build_test_set(dataset: LoadedDataset) -> pa.Table:
    """Build the row of the store's table ``test_sets`` for a data set."""
    row = {
        "fingerprint": dataset.info.fingerprint,
        "title": dataset.info.title,
        "labels": np.asarray(dataset.test.labels),
    }
    return pa.Table.from_pylist([row], schema=SCHEMAS["test_sets"])


def _shared_columns(result: PackResult) -> dict[str, Any]:
    """Return the columns that are equal for all runs of a pack."""
    pack = result.pack
    cell, layers = pack.cell, result.layer_table
    return {
        "dataset": cell.dataset.content_type,
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
        "wall_s": result.wall_s,
        "replicas": pack.size,
        "images_per_s": result.images_per_s,
        "device": result.device,
        "threads": result.threads,
    }


def _run_row(result: PackResult, run: Run, replica: int, labels: NDArray[np.integer]) -> dict[str, Any]:
    """Return the columns that differ between the runs of a pack."""
    diverged, last = bool(result.diverged[replica]), result.history[-1]
    errors = None if diverged else int((result.logits[replica].argmax(1) != labels).sum())
    validation = last.val_accuracy
    return {
        "id": run.id,
        "config_json": run.config_json,
        "learning_rate": run.last_recipe.learning_rate,
        "weight_decay": run.last_recipe.weight_decay,
        "seed": run.seed,
        "order": run.order,
        "training_version": run.training_version,
        "train_accuracy": _none_if(diverged, last.train_accuracy[replica]),
        "train_error": _none_if(diverged, 1 - last.train_accuracy[replica]),
        "val_error": None if validation is None else _none_if(diverged, 1 - validation[replica]),
        "train_loss": _none_if(diverged, last.train_loss[replica]),
        "val_loss": None if last.val_loss is None else _none_if(diverged, last.val_loss[replica]),
        "test_loss": _none_if(diverged, last.test_loss[replica]),
        "test_accuracy": None if errors is None else 1 - errors / len(labels),
        "test_error": None if errors is None else errors / len(labels),
        "test_errors": errors,
        "test_images": len(labels),
        "diverged": diverged,
        **_zero_gradient_columns(result, replica, result.history, diverged=diverged),
        "test_mse": _none_if(diverged, last.test_loss[replica]) if run.recipe.loss == "mse" else None,
        **_pruning_columns(result, run, replica, diverged=diverged),
    }


def _pruning_columns(result: PackResult, run: Run, replica: int, *, diverged: bool) -> dict[str, Any]:
    """Return the columns of a pruned network; none for other networks, where they are null."""
    if result.pruning is None or run.pruning is None:
        return {}
    return {
        "pruning_method": run.pruning.method,
        "parameters_left": run.pruning.parameters_left,
        **{
            name: _none_if(diverged, getattr(result.pruning, name)[replica])
            for name in ("predicted_increase", "measured_increase", "train_mse")
        },
    }


def _epoch_row(result: PackResult, run: Run, replica: int, epoch: EpochMetrics) -> dict[str, Any]:
    diverged = not bool((epoch.train_loss + epoch.test_loss)[replica].isfinite())
    validation = epoch.val_accuracy
    return {
        "id": run.id,
        "epoch": epoch.number,
        "train_loss": _none_if(diverged, epoch.train_loss[replica]),
        "train_accuracy": _none_if(diverged, epoch.train_accuracy[replica]),
        "val_loss": None if epoch.val_loss is None else _none_if(diverged, epoch.val_loss[replica]),
        "val_accuracy": None if validation is None else _none_if(diverged, validation[replica]),
        "test_loss": _none_if(diverged, epoch.test_loss[replica]),
        "test_accuracy": _none_if(diverged, epoch.test_accuracy[replica]),
        "test_error": _none_if(diverged, 1 - epoch.test_accuracy[replica]),
        "learning_rate": epoch.lr_factor * run.last_recipe.learning_rate,
        **_zero_gradient_columns(result, replica, [epoch], diverged=diverged),
        "wall_s": epoch.wall_s,
    }


def _zero_gradient_columns(
    result: PackResult, replica: int, epochs: Sequence[EpochMetrics], *, diverged: bool
) -> dict[str, Any]:
    """Return the mean fractions of weights with gradient 0 over epochs, in all and by layer."""
    measured = [epoch.zero_gradients[replica] for epoch in epochs if epoch.zero_gradients is not None]
    if diverged or not measured:
        return {"zero_gradients": None, "layer_zero_gradients": None}
    total, *by_layer = torch.stack(measured).mean(dim=0).tolist()
    layers = weighted_layers(result.pack.layer_table)
    return {
        "zero_gradients": total,
        "layer_zero_gradients": json.dumps(dict(zip(layers, by_layer, strict=True))),
    }


def _none_if(diverged: bool, value: Any) -> float | None:
    """Return a number; None after the replica's loss was not finite."""
    return None if diverged else float(value)
