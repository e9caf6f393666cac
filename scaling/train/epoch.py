"""What one epoch measured."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """Measured as an epoch ended; each tensor is [R], on the CPU."""

    number: int
    """From 1."""
    train_loss: Tensor
    train_accuracy: Tensor
    val_accuracy: Tensor | None
    test_loss: Tensor
    test_accuracy: Tensor
    share: float
    """Of the highest learning rate, at the epoch's last step."""
    wall_s: float
