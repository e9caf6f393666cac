"""Results of a pack, however it was trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from scaling.architectures import LayerTable
from scaling.plan import Pack
from scaling.train.epoch_metrics import EpochMetrics


@dataclass(frozen=True, kw_only=True, eq=False)
class PruningResult:
    """Effects of a deletion of weights before the retraining, for all replicas of a pack."""

    masks: dict[str, Tensor]
    """False for the deleted weights: [R, ...]."""
    predicted_increase: Tensor
    """Increase of the training error by the deletion, as the sum of the saliencies predicts it: [R]."""
    measured_increase: Tensor
    """Increase of the training error by the deletion, before the retraining: [R]."""
    train_mse: Tensor
    """Mean squared error on the training images after the retraining: [R]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PackResult:
    """Results of a pack.

    Axis R has all replicas, in the order of ``pack.replicas``, also those that are no wanted runs.
    """

    pack: Pack
    history: list[EpochMetrics]
    logits: NDArray[np.float16]
    """Logits of the test images after the last epoch: [R, images, classes]."""
    diverged: NDArray[np.bool_]
    """True if a loss, or a logit as it is stored, was not finite in any epoch: [R]."""
    weights: list[dict[str, Tensor]]
    """Parameters and statistics of batch norm of each replica, on the CPU; empty if none are kept."""
    wall_s: float
    """Seconds of the training, those before a checkpoint included."""
    images_per_s: float
    """Training images times replicas per second, over the whole time."""
    device: str
    threads: int
    fitted_layers: LayerTable | None = None
    """Layers of a classifier that was fitted in one go, with the counts that the fit determined."""
    pruning: PruningResult | None = None
    """Deletion before the training; None for networks that are not pruned."""

    @property
    def layer_table(self) -> LayerTable:
        """Layers of one replica."""
        return self.fitted_layers or self.pack.layer_table
