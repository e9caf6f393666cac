"""Checkpoints: weights, the optimiser's state and the metrics of all epochs so far, as bytes.

Minibatches and augmentation are pure functions of (order, epoch, step), so there is no random state to keep:
a pack that resumes from a checkpoint ends with the bits of an uninterrupted one. The format is safetensors:
nothing is ever unpickled.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn
from torch.optim import Optimizer

from scaling.errors import StoreError
from scaling.store import Checkpoints
from scaling.train.epoch_metrics import EpochMetrics

METRICS = [field.name for field in fields(EpochMetrics)]
_KEYS = {metric: f"history.{metric}" for metric in METRICS} | {"lr_factor": "history.share"}
"""Key of each metric in a checkpoint. Keys never change: a checkpoint outlives an upgrade."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingHistory:
    """The results of the epochs so far."""

    history: list[EpochMetrics]
    diverged: Tensor
    """True for each replica with a loss or a logit that was not finite: [R]."""


def save_state(networks: nn.Module, optimiser: Optimizer, progress: TrainingHistory) -> bytes:
    """Return everything that the next epoch depends on."""
    tensors = {f"weights.{name}": weight.detach() for name, weight in networks.named_parameters()}
    tensors |= {f"statistics.{name}": value for name, value in networks.named_buffers()}
    for name, weight in networks.named_parameters():
        tensors |= {f"optimiser.{name}.{kind}": value for kind, value in optimiser.state[weight].items()}
    for metric, key in _KEYS.items():
        values = [getattr(epoch, metric) for epoch in progress.history]
        if all(value is not None for value in values):
            tensors[key] = torch.stack([torch.as_tensor(value, dtype=_dtype(value)) for value in values])
    tensors["diverged"] = progress.diverged
    return save({name: tensor.cpu().contiguous() for name, tensor in tensors.items()})


def load_state(data: bytes, networks: nn.Module, optimiser: Optimizer) -> TrainingHistory:
    """Restore networks and their optimiser in place, and return the progress so far.

    Raises:
        SafetensorError: the checkpoint is damaged.
        KeyError: the checkpoint belongs to another network or version.
    """
    tensors = load(data)
    state: dict[Tensor, dict[str, Tensor]] = {}
    for name, weight in networks.named_parameters():
        prefix = f"optimiser.{name}."
        state[weight] = {
            key.removeprefix(prefix): value.to(weight.device)
            for key, value in tensors.items()
            if key.startswith(prefix)
        }
        weight.data.copy_(tensors[f"weights.{name}"])
    for name, value in networks.named_buffers():
        value.copy_(tensors[f"statistics.{name}"])
    optimiser.state.update(state)
    rows: list[dict[str, Any]] = [dict.fromkeys(METRICS) for _ in tensors[_KEYS["number"]]]
    for metric, key in _KEYS.items():
        for row, value in zip(rows, tensors.get(key, ()), strict=False):
            row[metric] = value if value.ndim else value.item()
    return TrainingHistory(history=[EpochMetrics(**row) for row in rows], diverged=tensors["diverged"])


def newest_checkpoint(checkpoints: Checkpoints | None) -> bytes | None:
    """Return the newest checkpoint that is not damaged; None if there is none."""
    for epoch in checkpoints.epochs() if checkpoints else ():
        try:
            data = checkpoints.load(epoch)  # type: ignore[union-attr]
            load(data)
        except (StoreError, SafetensorError):
            continue  # the checkpoint before it is as good, only older
        return data
    return None


def completed_epochs(data: bytes | None) -> int:
    """Return the number of epochs before a checkpoint; 0 for None."""
    return 0 if data is None else len(load(data)[_KEYS["number"]])


def _dtype(value: object) -> torch.dtype:
    if isinstance(value, Tensor):
        return value.dtype
    return torch.int64 if isinstance(value, int) else torch.float64
