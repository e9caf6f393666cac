"""Minibatches on a device: which images, how augmented, and their values are pure functions of (order, epoch, step).

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
from scaling.data.augment import augment
from scaling.data.load import LoadedDataset
from scaling.datasets import Split

SHUFFLE, AUGMENT = 0, 1
"""Streams of random bits."""


class Minibatches:
    """Training batches of one order.

    Args:
        images: of the whole training split, on the device.
        labels: likewise.
        batch_size: images a step; those left over wait for the next epoch's shuffle.
        order: draws the shuffles and the augmentation.
        augmentation: drawn anew for each image in each epoch.
        mean: float64, [C], of the pixels over 255.
        std: likewise.
        dtype: of the images that come out.
        index: the images that are used; by default all. Only they are ever gathered, so a subset costs no copy.
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
        self.normalised = PixelNormaliser(images, mean, std, dtype)
        self._shuffled = (-1, labels, labels)

    def __len__(self) -> int:
        """Steps an epoch."""
        return len(self.index) // self.batch_size

    def epoch(self, epoch: int) -> Iterator[tuple[Float[Tensor, "B C side side"], Int64[Tensor, " B"]]]:
        """All batches of an epoch."""
        return (self.batch(epoch, step) for step in range(len(self)))

    def batch(self, epoch: int, step: int) -> tuple[Float[Tensor, "B C side side"], Int64[Tensor, " B"]]:
        """One batch, both counted from 0: images in channels_last, and their labels.

        Raises:
            IndexError: the epoch has no such step.
        """
        if not 0 <= step < len(self):
            raise IndexError(f"step {step} of {len(self)}")
        rows, draws = (
            part[step * self.batch_size : (step + 1) * self.batch_size] for part in self._shuffle(epoch)
        )
        images = augment(self.images.index_select(0, rows), draws, self.augmentation)
        return self.normalised(images), self.labels.index_select(0, rows)

    def _shuffle(self, epoch: int) -> tuple[Tensor, Tensor]:
        """The rows of an epoch and their draws, kept until another epoch is asked for."""
        if self._shuffled[0] != epoch:
            count = len(self.index)
            rows = self.index[np.argsort(random_bits(self.order, epoch, SHUFFLE, count), kind="stable")]
            draws = (random_bits(self.order, epoch, AUGMENT, count) >> np.uint64(1)).astype(np.int64)
            self._shuffled = (
                epoch,
                torch.from_numpy(rows).to(self.images.device),
                torch.from_numpy(draws).to(self.images.device),
            )
        return self._shuffled[1:]


class PixelNormaliser:
    """``(x / 255 - mean) / std`` in fp32, from uint8 [B, side, side, C] to [B, C, side, side] in channels_last of ``dtype``.

    Args:
        images: any of the device and shape that will be normalised.
        mean: float64, [C], of the pixels over 255.
        std: likewise.
        dtype: of the result.
    """

    def __init__(
        self,
        images: UInt8[Tensor, "n side side C"],
        mean: NDArray[np.float64],
        std: NDArray[np.float64],
        dtype: torch.dtype,
    ) -> None:
        # Repeated for every pixel: an innermost axis of one or three channels is too short for the CPU's vector instructions.
        pixels = images[0].numel() // len(mean)
        self.scale, self.offset = (
            torch.from_numpy(constant.astype(np.float32)).to(images.device).repeat(pixels)
            for constant in (1 / (255 * std), mean / std)
        )
        self.dtype = dtype

    def __call__(self, images: UInt8[Tensor, "B side side C"]) -> Float[Tensor, "B C side side"]:
        values = images.flatten(1).float().mul_(self.scale).sub_(self.offset)
        return values.to(self.dtype).view(images.shape).permute(0, 3, 1, 2)


def evaluation_batches(
    images: UInt8[Tensor, "n side side C"],
    mean: NDArray[np.float64],
    std: NDArray[np.float64],
    dtype: torch.dtype,
    size: int = 1000,
    *,
    index: NDArray[np.int64] | None = None,
) -> Iterator[Float[Tensor, "B C side side"]]:
    """Normalised batches in order, the last one with what is left; of all images, or of those in ``index``."""
    normalised = PixelNormaliser(images, mean, std, dtype)
    if index is None:
        return (normalised(part) for part in torch.split(images, size))
    return (
        normalised(images.index_select(0, rows))
        for rows in torch.split(torch.from_numpy(index).to(images.device), size)
    )


def normalised_test_image(dataset: LoadedDataset, index: int) -> Float[Tensor, "1 C side side"]:
    """One image of the test split, normalised, in fp32."""
    (image,) = evaluation_batches(
        torch.from_numpy(dataset.test.images[index : index + 1].copy()),
        dataset.mean,
        dataset.std,
        torch.float32,
    )
    return image


def to_device(
    split: Split, device: torch.device
) -> tuple[UInt8[Tensor, "n side side C"], Int64[Tensor, " n"]]:
    """A split as tensors. On the CPU the images are the memory-mapped ones, shared by all processes of a machine; nobody may write to them."""
    with warnings.catch_warnings():
        # Mapped arrays are read-only, torch knows no such tensors, and a copy is what must not be.
        warnings.filterwarnings("ignore", "The given NumPy array is not writ", UserWarning)
        images = torch.from_numpy(split.images)
    return images.to(device), torch.from_numpy(split.labels.astype(np.int64)).to(device)


def random_bits(order: int, epoch: int, stream: int, count: int) -> NDArray[np.uint64]:
    """Bits that are the same everywhere: NumPy promises Philox's raw bits for every version, though not its distributions."""
    return np.random.Philox(key=[order, epoch], counter=[0, 0, 0, stream]).random_raw(count)
