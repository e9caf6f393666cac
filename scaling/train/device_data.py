"""Images and labels on the device that trains: the whole data set, once per device."""

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
from scaling.data.normalise import PixelMoments

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceSplit:
    """Images to evaluate on."""

    images: Tensor
    """Whole split: uint8, [n, side, side, channels]."""
    labels: Tensor
    """Labels of the whole split: int64, [n]."""
    index: NDArray[np.int64] | None
    """Indices of the images in use, in order; None for all."""
    moments: PixelMoments
    """Constants of the normalisation."""
    dtype: torch.dtype
    """Type of the images in a batch."""

    def __len__(self) -> int:
        return len(self.labels if self.index is None else self.index)

    def batches(self, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Return normalised images and their labels, in order, in batches of ``size``."""
        labels = self.labels
        if self.index is not None:
            labels = labels[torch.from_numpy(self.index).to(labels.device)]
        images = evaluation_batches(
            self.images,
            mean=self.moments.mean,
            std=self.moments.std,
            dtype=self.dtype,
            size=size,
            index=self.index,
        )
        return zip(images, torch.split(labels, size), strict=True)


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceDataset:
    """A data set on a device."""

    dataset: LoadedDataset
    train: tuple[Tensor, Tensor]
    """Images and labels of the whole training split."""
    test: tuple[Tensor, Tensor]
    """Images and labels of the test split."""

    def batches(self, recipe: Recipe, order: int) -> Minibatches:
        """Return the minibatches of a training."""
        images, labels = self.train
        moments = PixelMoments.of_input(self.dataset, recipe.input_range)
        return Minibatches(
            images,
            labels,
            batch_size=recipe.batch_size,
            order=order,
            augmentation=recipe.augmentation,
            mean=moments.mean,
            std=moments.std,
            dtype=_DTYPES[recipe.precision],
            index=self.dataset.train_index,
        )

    def test_split(self, recipe: Recipe) -> DeviceSplit:
        return self._split(self.test, None, recipe)

    def train_split(self, recipe: Recipe) -> DeviceSplit:
        """Return the images that are trained on, in canonical order and without augmentation."""
        return self._split(self.train, self.dataset.train_index, recipe)

    def validation_split(self, recipe: Recipe) -> DeviceSplit | None:
        """Return the validation images; None without any."""
        index = self.dataset.validation_index
        return self._split(self.train, index, recipe) if len(index) else None

    def _split(
        self, tensors: tuple[Tensor, Tensor], index: NDArray[np.int64] | None, recipe: Recipe
    ) -> DeviceSplit:
        images, labels = tensors
        return DeviceSplit(
            images=images,
            labels=labels,
            index=index,
            moments=PixelMoments.of_input(self.dataset, recipe.input_range),
            dtype=_DTYPES[recipe.precision],
        )


@lru_cache(maxsize=2)
def load_on_device(dataset: LoadedDataset, device: torch.device) -> DeviceDataset:
    """Return a data set on a device, loaded once and shared by all packs of a worker."""
    return DeviceDataset(
        dataset=dataset, train=to_device(dataset.train, device), test=to_device(dataset.test, device)
    )
