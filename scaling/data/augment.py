"""Augmentation: crops, flips and shifts, drawn separately for each image.

Axes:
    B   images in a batch      row, col  of the image
    C   channels
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Int64, UInt8
from torch import Tensor

from scaling.config.recipe import Augmentation

_CHOICE_BITS = 15
"""Number of random bits for each of the four choices; the highest bit decides the flip."""


def augment(
    images: UInt8[Tensor, "B side side C"], draws: Int64[Tensor, " B"], augmentation: Augmentation
) -> UInt8[Tensor, "B side side C"]:
    """Shift, crop and flip images.

    The source row and column of each pixel are computed; then rows are gathered, and then pixels within the
    rows.

    Args:
        images: images of a batch.
        draws: 63 random bits for each image.
        augmentation: permitted changes; affine distortions are in ``scaling.data.affine``. Without crops,
            flips and shifts, the images themselves are returned.
    """
    crop, shift = augmentation.crop, augmentation.shift
    if not (crop or shift or augmentation.flip):
        return images
    count, side, _, channels = images.shape

    def source(axis: int) -> Tensor:
        """Return the position in the padded image of each pixel along an axis: [B, side]."""
        start, offset = (
            _choice(draws, index, choices)
            for index, choices in ((axis, 2 * crop + 1), (2 + axis, 2 * shift + 1))
        )
        position = torch.arange(side, device=images.device) + start.unsqueeze(1)
        is_inside = (position >= crop) & (position < crop + side)
        shifted = (position + offset.unsqueeze(1) - shift).clamp(crop, crop + side - 1)
        return torch.where(is_inside, shifted, position)

    rows, columns = source(0), source(1)
    if augmentation.flip:
        columns = torch.where((draws >> 62 == 1).unsqueeze(1), columns.flip(1), columns)
    padded = F.pad(images, (0, 0, crop, crop, crop, crop))
    width = side + 2 * crop
    rows += width * torch.arange(count, device=images.device).unsqueeze(1)
    gathered_rows = (
        padded.view(count * width, width * channels)
        .index_select(0, rows.flatten())
        .view(count, side, width * channels)
    )
    byte_index = columns.unsqueeze(2) * channels + torch.arange(channels, device=images.device)
    byte_index = byte_index.view(count, 1, side * channels).expand(-1, side, -1)
    return gathered_rows.gather(2, byte_index).view(images.shape)


def _choice(draws: Int64[Tensor, " B"], index: int, choices: int) -> Int64[Tensor, " B"]:
    """Return a number below ``choices``; all are equally likely up to one part in 2 ** 15 / choices."""
    bits = (draws >> _CHOICE_BITS * index).bitwise_and(2**_CHOICE_BITS - 1)
    return (bits * choices) >> _CHOICE_BITS
