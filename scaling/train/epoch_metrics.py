"""Metrics of one epoch."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class EpochMetrics:
    """Metrics at the end of an epoch. Each tensor is on the CPU, with shape [R] unless stated otherwise."""

    number: int
    """Number of the epoch, from 1."""
    train_loss: Tensor
    train_accuracy: Tensor
    val_loss: Tensor | None
    """None without validation images, and for an epoch that an older version trained before a checkpoint."""
    val_accuracy: Tensor | None
    test_loss: Tensor
    test_accuracy: Tensor
    zero_gradients: Tensor | None
    """Fractions of weights with gradient 0 in the last step: [R, fractions].

    The order is that of ``zero_gradient_fractions``. None for an epoch that an older version trained before a
    checkpoint.
    """
    lr_factor: float
    """Learning rate over its maximum, at the last step of the epoch."""
    wall_s: float
    """Seconds since the start of the training."""
