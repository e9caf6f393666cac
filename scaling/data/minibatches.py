"""Minibatches on a device. Their images, augmentation and values are pure functions of (order, epoch, step).

Axes:
    n  images        B  images in a batch        C  channels
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import torch
from jaxtyping import Float, Int64, UInt8
from numpy.typing import NDArray
from torch import Tensor

from scaling.config.recipe import Augmentation
from scaling.data.affine import distort
from scaling.data.augment import augment
from scaling.data.normalise import PixelNormaliser
from scaling.datasets import Split

SHUFFLE_STREAM, AUGMENT_STREAM, AFFINE_STREAM = 0, 1, 2
"""Independent streams of random bits."""
_STREAMS = (SHUFFLE_STREAM, AUGMENT_STREAM, AFFINE_STREAM)


class Minibatches:
    """Training minibatches of one order.

    Args:
        images: whole training split, on the device.
        labels: labels of the whole training split, on the device.
        batch_size: images per step. An epoch drops the images that do not fill a batch.
        order: seed of the shuffles and of the augmentation.
        augmentation: permitted changes, drawn for each image in each epoch.
        mean: mean of the pixels over 255: float64, [C].
        std: standard deviation of the pixels over 255: float64, [C].
        dtype: type of the returned images.
        index: indices of the images that are used; by default all. Only these images are ever gathered, so a
            subset costs no copy.
    """

    def __init__(
        self,
        images: UInt8[Tensor, "n side side C"],
        labels: Int64[Tensor, " n"],
        *,
        batch_size: int,
        order: int,
        augmentation: Augmentation,
        mean: NDArray[np.float64],
        std: NDArray[np.float64],
        dtype: torch.dtype,
        index: NDArray[np.int64] | None = None,
    ) -> None:
        self.images, self.labels = images, labels
        self.batch_size, self.order, self.augmentation = batch_size, order, augmentation
        self.index = np.arange(len(labels)) if index is None else index
        self.normalise = PixelNormaliser(images, mean=mean, std=std, dtype=dtype)
        self._loaded_epoch: int | None = None
        self._table = torch.empty(
            (len(self), len(_STREAMS), batch_size), dtype=torch.int64, device=images.device
        )
        """Rows of the images, draws of the augmentation and of the affine distortions, for each step."""

    def __len__(self) -> int:
        """Return the number of steps per epoch."""
        return len(self.index) // self.batch_size

    def epoch(self, epoch: int) -> Iterator[tuple[Float[Tensor, "B C side side"], Int64[Tensor, " B"]]]:
        """Yield the images and the labels of all batches of an epoch."""
        return (self.batch(epoch, step) for step in range(len(self)))

    def batch(self, epoch: int, step: int) -> tuple[Float[Tensor, "B C side side"], Int64[Tensor, " B"]]:
        """Return the images of one batch, in channels_last, and their labels.

        Args:
            epoch: counted from 0.
            step: counted from 0.

        Raises:
            IndexError: the epoch has no such step.
        """
        if not 0 <= step < len(self):
            raise IndexError(f"step {step}: an epoch has the steps 0 to {len(self) - 1}")
        self.load_epoch(epoch)
        return self.select(torch.tensor([step], device=self.images.device))

    def load_epoch(self, epoch: int) -> None:
        """Draw the rows and the augmentation of an epoch in place of the last one, unless it is loaded."""
        if self._loaded_epoch == epoch:
            return
        shuffle_bits, *draws = (
            random_bits(self.order, epoch, stream=stream, count=len(self.index)) for stream in _STREAMS
        )
        rows = self.index[np.argsort(shuffle_bits, kind="stable")]
        columns = np.stack([rows, *((bits >> np.uint64(1)).astype(np.int64) for bits in draws)])
        steps, streams, size = self._table.shape
        table = columns[:, : steps * size].reshape(streams, steps, size).swapaxes(0, 1)
        self._table.copy_(torch.from_numpy(np.ascontiguousarray(table)))
        self._loaded_epoch = epoch

    def select(
        self, steps: Int64[Tensor, " steps"]
    ) -> tuple[Float[Tensor, "n C side side"], Int64[Tensor, " n"]]:
        """Return batches of the loaded epoch as one; nothing is read on the host, so CUDA can capture it.

        Args:
            steps: numbers of the steps, on the device of the images.
        """
        rows, draws, affine_draws = self._table.index_select(0, steps).transpose(0, 1).flatten(1).unbind(0)
        images = self.images.index_select(0, rows)
        images = distort(images, affine_draws, self.augmentation.affine)
        images = augment(images, draws, self.augmentation)
        return self.normalise(images), self.labels.index_select(0, rows)


def evaluation_batches(
    images: UInt8[Tensor, "n side side C"],
    *,
    mean: NDArray[np.float64],
    std: NDArray[np.float64],
    dtype: torch.dtype,
    size: int = 1000,
    index: NDArray[np.int64] | None = None,
) -> Iterator[Float[Tensor, "B C side side"]]:
    """Yield normalised images in order; the last batch may be smaller.

    Args:
        images: whole split, on the device.
        mean: mean of the pixels over 255: float64, [C].
        std: standard deviation of the pixels over 255: float64, [C].
        dtype: type of the returned images.
        size: images per batch.
        index: indices of the images; by default all.
    """
    normalise = PixelNormaliser(images, mean=mean, std=std, dtype=dtype)
    if index is None:
        return (normalise(part) for part in torch.split(images, size))
    return (
        normalise(images.index_select(0, rows))
        for rows in torch.split(torch.from_numpy(index).to(images.device), size)
    )


def to_device(
    split: Split, device: torch.device
) -> tuple[UInt8[Tensor, "n side side C"], Int64[Tensor, " n"]]:
    """Return the images and the labels of a split as tensors.

    On the CPU, the images are memory-mapped and shared by all processes of a machine. Do not write to them.
    """
    with warnings.catch_warnings():
        # Mapped arrays are read-only. torch has no read-only tensors, and a copy must be avoided.
        warnings.filterwarnings("ignore", "The given NumPy array is not writ", UserWarning)
        images = torch.from_numpy(split.images)
    return images.to(device), torch.from_numpy(split.labels.astype(np.int64)).to(device)


def random_bits(order: int, epoch: int, *, stream: int, count: int) -> NDArray[np.uint64]:
    """Return random bits that are equal on all machines.

    NumPy guarantees the raw bits of Philox in every version, but not the distributions drawn from them.
    """
    return np.random.Philox(key=[order, epoch], counter=[0, 0, 0, stream]).random_raw(count)
