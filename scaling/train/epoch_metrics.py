"""What one epoch measured."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class EpochMetrics:
    """Measured as an epoch ended; each tensor is [R] where nothing else is said, on the CPU."""

    number: int
    """From 1."""
    train_loss: Tensor
    train_accuracy: Tensor
    val_accuracy: Tensor | None
    test_loss: Tensor
    test_accuracy: Tensor
    zero_gradients: Tensor | None
    """[R, shares] of the last step, as ``gradients`` says; None of epochs that an older checkpoint tells of."""
    lr_factor: float
    """Of the highest learning rate, at the epoch's last step."""
    wall_s: float
