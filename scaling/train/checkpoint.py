"""A checkpoint: weights, the optimiser's state and what was measured, after some epochs.

Minibatches and augmentation are pure functions of (order, epoch, step), so there is no random state to keep, and a pack that goes on from a
checkpoint ends with the bits of one that was never interrupted. The format is safetensors: nothing in it is ever unpickled.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from scaling.errors import StoreError
from scaling.store import Checkpoints
from scaling.train.epoch_metrics import EpochMetrics

if TYPE_CHECKING:
    from scaling.train.module import PackModule

METRICS = [field.name for field in fields(EpochMetrics)]


def save_state(module: PackModule) -> bytes:
    """All that the next epoch depends on."""
    tensors = {f"weights.{name}": weight.detach() for name, weight in module.networks.named_parameters()}
    tensors |= {f"statistics.{name}": value for name, value in module.networks.named_buffers()}
    for name, weight in module.networks.named_parameters():
        tensors |= {
            f"optimiser.{name}.{kind}": value for kind, value in module.optimiser.state[weight].items()
        }
    for measure in METRICS:
        values = [getattr(epoch, measure) for epoch in module.history]
        if all(value is not None for value in values):
            tensors[f"history.{measure}"] = torch.stack(
                [torch.as_tensor(value, dtype=_dtype(value)) for value in values]
            )
    return save(
        {name: tensor.cpu().contiguous() for name, tensor in tensors.items()} | {"diverged": module.diverged}
    )


def load_state(data: bytes, module: PackModule) -> None:
    """Put a module, whose optimiser is made, back to where it was.

    Raises:
        SafetensorError, KeyError: the checkpoint is damaged, or of another format.
    """
    tensors = load(data)
    state: dict[Tensor, dict[str, Tensor]] = {}
    for name, weight in module.networks.named_parameters():
        prefix = f"optimiser.{name}."
        state[weight] = {
            key.removeprefix(prefix): value.to(weight.device)
            for key, value in tensors.items()
            if key.startswith(prefix)
        }
        weight.data.copy_(tensors[f"weights.{name}"])
    for name, value in module.networks.named_buffers():
        value.copy_(tensors[f"statistics.{name}"])
    module.optimiser.state.update(state)
    module.diverged = tensors["diverged"]
    rows: list[dict[str, Any]] = [dict.fromkeys(METRICS) for _ in tensors["history.number"]]
    for measure in METRICS:
        for row, value in zip(rows, tensors.get(f"history.{measure}", ()), strict=False):
            row[measure] = value if value.ndim else value.item()
    module.history = [EpochMetrics(**row) for row in rows]


def newest_checkpoint(checkpoints: Checkpoints | None) -> bytes | None:
    """The newest checkpoint that is whole."""
    for epoch in checkpoints.epochs() if checkpoints else ():
        try:
            data = checkpoints.load(epoch)  # type: ignore[union-attr]
            load(data)
        except (StoreError, SafetensorError):
            continue  # the generation before it is as good, only older
        return data
    return None


def completed_epochs(data: bytes | None) -> int:
    """The epochs that a checkpoint has behind it; 0 for none."""
    return 0 if data is None else len(load(data)["history.number"])


def _dtype(value: object) -> torch.dtype:
    return (
        value.dtype if isinstance(value, Tensor) else torch.int64 if isinstance(value, int) else torch.float64
    )
