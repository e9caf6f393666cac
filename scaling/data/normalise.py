"""Normalisation of images on a device.

Axes:
    n  images        B  images in a batch        C  channels
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from torch import Tensor

from scaling.data.load import LoadedDataset


@dataclass(frozen=True, eq=False)
class PixelMoments:
    """Constants of the function ``(x / 255 - mean) / std``, which makes a network's input."""

    mean: NDArray[np.float64]
    """Constant that is subtracted: [C]."""
    std: NDArray[np.float64]
    """Constant by which the difference is divided: [C]."""

    @classmethod
    def of_input(cls, dataset: LoadedDataset, input_range: tuple[float, float] | None) -> PixelMoments:
        """Return the constants for a recipe's ``input_range``.

        Args:
            dataset: data set.
            input_range: inputs of the pixel values 0 and 255. None for the mean and the standard deviation of
                the training split.
        """
        if input_range is None:
            return cls(dataset.mean, dataset.std)
        background, ink = input_range
        std = np.full_like(dataset.std, 1 / (ink - background))
        return cls(-background * std, std)


class PixelNormaliser:
    """Function ``(x / 255 - mean) / std``, computed in fp32, from stored images to a network's input.

    Args:
        images: any images with the device and the shape of those that will be normalised.
        mean: mean of the pixels over 255: float64, [C].
        std: standard deviation of the pixels over 255: float64, [C].
        dtype: type of the result.
    """

    def __init__(
        self,
        images: UInt8[Tensor, "n side side C"],
        *,
        mean: NDArray[np.float64],
        std: NDArray[np.float64],
        dtype: torch.dtype,
    ) -> None:
        # Repeated for every pixel: an innermost axis of one or three channels is too short for the CPU's
        # vector instructions.
        pixels = images[0].numel() // len(mean)
        self.scale, self.offset = (
            torch.from_numpy(constant.astype(np.float32)).to(images.device).repeat(pixels)
            for constant in (1 / (255 * std), mean / std)
        )
        self.dtype = dtype

    def __call__(self, images: UInt8[Tensor, "B side side C"]) -> Float[Tensor, "B C side side"]:
        """Return the normalised images in channels_last."""
        values = images.flatten(1).float().mul_(self.scale).sub_(self.offset)
        return values.to(self.dtype).view(images.shape).permute(0, 3, 1, 2)


def normalise_images(
    images: UInt8[np.ndarray, "B side side C"], moments: PixelMoments
) -> Float[Tensor, "B C side side"]:
    """Return images as a network's input, on the CPU and in fp32."""
    pixels = torch.tensor(images)  # a copy: the arrays of a data set are read-only
    return PixelNormaliser(pixels, mean=moments.mean, std=moments.std, dtype=torch.float32)(pixels)
