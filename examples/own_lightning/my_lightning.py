"""A LightningModule for the study beside this file, with its own loss and optimiser."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SmoothNet(pl.LightningModule):
    """A convolution and a readout, trained by Adam with smoothed labels.

    Args:
        image: channels, height and width of the images.
        classes: number of classes.
        filters: filters of the convolution.
        learning_rate: learning rate of the recipe.
        smoothing: share of the target that all classes get.
    """

    def __init__(
        self,
        *,
        image: tuple[int, int, int],
        classes: int,
        filters: int,
        learning_rate: float,
        smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        channels, height, width = image
        self.learning_rate, self.smoothing = learning_rate, smoothing
        self.network = nn.Sequential(
            nn.Conv2d(channels, filters, 5),
            nn.MaxPool2d(4),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(filters * ((height - 4) // 4) * ((width - 4) // 4), classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return logits, [images, classes]."""
        return self.network(images)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the loss of a minibatch."""
        images, labels = batch
        return F.cross_entropy(self(images), labels, label_smoothing=self.smoothing)

    def configure_optimizers(self) -> Any:
        """Return Adam, whose learning rate falls to zero."""
        optimizer = torch.optim.Adam(self.parameters(), lr=self.learning_rate)
        steps = int(self.trainer.estimated_stepping_batches)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
