"""Images and labels on the device that trains: the whole set, once a device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scaling.config.recipe import Recipe
from scaling.data import LoadedDataset
from scaling.data.minibatches import Minibatches, evaluation_batches, to_device

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True, eq=False)
class DeviceSplit:
    """Some images of a split, to be measured on.

    Args:
        images: uint8, [n, side, side, channels]: the whole split.
        labels: int64, [n].
        index: int64: the images that count, in their order; None for all.
    """

    images: Tensor
    labels: Tensor
    index: NDArray[np.int64] | None
    dataset: LoadedDataset
    dtype: torch.dtype

    def __len__(self) -> int:
        return len(self.labels if self.index is None else self.index)

    def batches(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Normalised images and their labels, in order."""
        labels = (
            self.labels
            if self.index is None
            else self.labels[torch.from_numpy(self.index).to(self.labels.device)]
        )
        images = evaluation_batches(
            self.images,
            mean=self.dataset.mean,
            std=self.dataset.std,
            dtype=self.dtype,
            size=size,
            index=self.index,
        )
        return zip(images, torch.split(labels, size), strict=True)


@dataclass(frozen=True, eq=False)
class DeviceDataset:
    """A data set on a device."""

    dataset: LoadedDataset
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]

    def batches(self, recipe: Recipe, order: int) -> Minibatches:
        """What is trained on."""
        dataset = self.dataset
        return Minibatches(
            *self.train,
            batch_size=recipe.batch_size,
            order=order,
            augmentation=recipe.augmentation,
            mean=dataset.mean,
            std=dataset.std,
            dtype=DTYPES[recipe.precision],
            index=dataset.train_index,
        )

    def test_split(self, recipe: Recipe) -> DeviceSplit:
        return DeviceSplit(*self.test, None, self.dataset, DTYPES[recipe.precision])

    def validation_split(self, recipe: Recipe) -> DeviceSplit | None:
        index = self.dataset.validation_index
        return DeviceSplit(*self.train, index, self.dataset, DTYPES[recipe.precision]) if len(index) else None


@lru_cache(maxsize=2)
def load_on_device(dataset: LoadedDataset, device: torch.device) -> DeviceDataset:
    """A data set on a device; the packs of a worker share it."""
    return DeviceDataset(dataset, to_device(dataset.train, device), to_device(dataset.test, device))
