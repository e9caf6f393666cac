"""Checkpoints: weights, the optimiser's state and all metrics so far, as bytes.

Minibatches and augmentation are pure functions of (order, epoch, step), so there is no random state to keep:
a pack that resumes from a checkpoint, after any step, ends with the bits of an uninterrupted one. The format
is safetensors: nothing is ever unpickled.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import inf
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from scaling.store import CheckpointError
from scaling.train.epoch_metrics import EpochMetrics

FORMAT = 2
"""Version of the format. A checkpoint of another version is not used."""
METRICS = [field.name for field in fields(EpochMetrics)]
_OPTIONAL_METRICS = {"val_loss", "val_accuracy", "zero_gradients"}


@dataclass(kw_only=True, eq=False)
class TrainingState:
    """Everything, after any step, that the rest of a training and its results depend on."""

    networks: dict[str, Tensor]
    """Parameters and statistics of batch norm, by name."""
    optimiser: dict[str, Tensor]
    """The optimiser's tensors; the name of each is the parameter's, then the tensor's."""
    history: list[EpochMetrics]
    """Metrics of the epochs that have ended."""
    diverged: Tensor
    """True for each replica with a loss or a logit that was not finite: [R]."""
    step: int
    """Number of steps that are done in the epoch after the last one in ``history``."""
    loss: Tensor
    """Sum of the losses of these steps: [R]."""
    correct: Tensor
    """Sum of the accuracies of these steps: [R]."""
    zero_gradients: Tensor
    """Fractions of weights with gradient 0 in the last step of the epoch; empty before that step."""
    wall_s: float
    """Seconds since the start of the training."""


@dataclass(frozen=True, kw_only=True)
class StateBounds:
    """Sizes of a training that bound the numbers in a state from which it can continue."""

    epochs: int
    """Number of epochs; fewer have ended."""
    steps_per_epoch: int
    """Number of steps of an epoch."""
    fractions: int
    """Number of fractions of weights with gradient 0 of a replica."""


def encode_state(state: TrainingState, *, key: str) -> bytes:
    """Return a checkpoint.

    Args:
        state: state of a training.
        key: key of the pack.
    """
    tensors = {f"networks.{name}": tensor for name, tensor in state.networks.items()}
    tensors |= {f"optimiser.{name}": tensor for name, tensor in state.optimiser.items()}
    for metric in METRICS:
        values = [getattr(epoch, metric) for epoch in state.history]
        if values and all(value is not None for value in values):
            tensors[f"history.{metric}"] = torch.stack([_as_tensor(value) for value in values])
    for name in ("diverged", "step", "loss", "correct", "zero_gradients", "wall_s"):
        tensors[name] = _as_tensor(getattr(state, name))
    tensors |= {"format": torch.tensor(FORMAT), "key": _encode_text(key)}
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})


def decode_state(data: bytes, *, key: str, like: TrainingState, bounds: StateBounds) -> TrainingState:
    """Return the state that a checkpoint holds.

    Args:
        data: checkpoint.
        key: key of the pack.
        like: state of the same pack, with all tensors of the optimiser.
        bounds: sizes of the pack's training.

    Raises:
        CheckpointError: the checkpoint has another format or version, belongs to another pack or network, or
            has numbers from which no training can continue.
    """
    try:
        tensors = load(data)
        version, owner = tensors["format"].item(), tensors["key"]
    except (SafetensorError, KeyError, RuntimeError) as error:
        raise CheckpointError(f"it has another format: {error}") from error
    if version != FORMAT:
        raise CheckpointError(f"it has version {version} of the format, and this software has {FORMAT}")
    if not torch.equal(owner, _encode_text(key)):
        raise CheckpointError("it belongs to another pack")
    try:
        if name := _find_impossible(tensors, replicas=len(like.diverged), bounds=bounds):
            raise CheckpointError(f"no training of this pack has its {name}")
        state = TrainingState(
            networks=_with_prefix(tensors, "networks."),
            optimiser=_with_prefix(tensors, "optimiser."),
            history=_decode_history(_with_prefix(tensors, "history.")),
            step=int(tensors["step"]),
            wall_s=float(tensors["wall_s"]),
            **{name: tensors[name] for name in ("diverged", "loss", "correct", "zero_gradients")},
        )
    except KeyError as error:
        raise CheckpointError(f"it lacks {error}") from error
    if _shapes(state) != _shapes(like):
        raise CheckpointError("it belongs to another network")
    return state


def _find_impossible(tensors: dict[str, Tensor], *, replicas: int, bounds: StateBounds) -> str | None:
    """Return the name of a number or a metric that no state of the training can have; None if there is none.

    Raises:
        KeyError: a number is missing.
    """
    step, wall_s, fractions = tensors["step"], tensors["wall_s"], (replicas, bounds.fractions)
    if step.dtype != torch.int64 or step.ndim or not 0 <= step.item() <= bounds.steps_per_epoch:
        return "step"
    if wall_s.dtype != torch.float64 or wall_s.ndim or not 0 <= wall_s.item() < inf:
        return "wall_s"
    at_last_step = {"zero_gradients": tensors["zero_gradients"]}
    if not _fits(at_last_step, {"zero_gradients": fractions if step == bounds.steps_per_epoch else (0,)}):
        return "zero_gradients"
    history = _with_prefix(tensors, "history.")
    numbers = history.pop("number", torch.empty(0, dtype=torch.int64))
    epochs = list(range(1, numbers.numel() + 1))
    if numbers.dtype != torch.int64 or numbers.tolist() != epochs or len(epochs) >= bounds.epochs:
        return "history"
    shapes = dict.fromkeys(METRICS, (replicas,)) | {
        "lr_factor": (),
        "wall_s": (),
        "zero_gradients": fractions,
    }
    is_possible = _fits(history, {name: (len(epochs), *shape) for name, shape in shapes.items()})
    return None if is_possible else "history"


def _fits(tensors: dict[str, Tensor], shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Return whether all tensors are real numbers and have the shapes of their names."""
    return all(
        value.is_floating_point() and value.shape == shapes.get(name) for name, value in tensors.items()
    )


def _decode_history(columns: dict[str, Tensor]) -> list[EpochMetrics]:
    rows: list[dict[str, Any]] = [dict.fromkeys(_OPTIONAL_METRICS) for _ in columns.get("number", ())]
    for metric in METRICS if rows else ():
        if metric in columns or metric not in _OPTIONAL_METRICS:
            for row, value in zip(rows, columns[metric], strict=True):
                row[metric] = value if value.ndim else value.item()
    return [EpochMetrics(**row) for row in rows]


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _shapes(state: TrainingState) -> dict[str, tuple[torch.dtype, torch.Size]]:
    """Return the type and the shape of each tensor that has one shape during a whole training."""
    tensors = {
        **{f"networks.{name}": tensor for name, tensor in state.networks.items()},
        **{f"optimiser.{name}": tensor for name, tensor in state.optimiser.items()},
        **{name: getattr(state, name) for name in ("diverged", "loss", "correct")},
    }
    return {name: (tensor.dtype, tensor.shape) for name, tensor in tensors.items()}


def _encode_text(text: str) -> Tensor:
    return torch.tensor(list(text.encode()), dtype=torch.uint8)


def _as_tensor(value: Tensor | int | float) -> Tensor:
    return value if isinstance(value, Tensor) else torch.tensor(value, dtype=_dtype(value))


def _dtype(value: object) -> torch.dtype:
    return torch.int64 if isinstance(value, int) else torch.float64
