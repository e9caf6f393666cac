"""Crops, flips and shifts, drawn for each image by itself.

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

FIELD = 15
"""Bits of a draw that make one choice; there are four, and the flip has the highest bit."""


def augment(
    images: UInt8[Tensor, "B side side C"], draws: Int64[Tensor, " B"], augmentation: Augmentation
) -> UInt8[Tensor, "B side side C"]:
    """Shift, then crop, then flip. Which row and which column each pixel comes from is arithmetic; rows are gathered, then pixels in them.

    Args:
        images: of the batch.
        draws: 63 random bits an image.
        augmentation: what is permitted; with everything off the images are returned as they are.
    """
    if augmentation == Augmentation():
        return images
    count, side, _, channels = images.shape
    crop, shift = augmentation.crop, augmentation.shift

    def source(axis: int) -> Tensor:
        """Where in the padded image this axis' pixels come from, [B, side]."""
        start, moved = (
            _choice(draws, field, choices)
            for field, choices in ((axis, 2 * crop + 1), (2 + axis, 2 * shift + 1))
        )
        at = torch.arange(side, device=images.device) + start.unsqueeze(1)
        inside = (at >= crop) & (at < crop + side)
        return torch.where(inside, (at + moved.unsqueeze(1) - shift).clamp(crop, crop + side - 1), at)

    rows, columns = source(0), source(1)
    if augmentation.flip:
        columns = torch.where((draws >> 62 == 1).unsqueeze(1), columns.flip(1), columns)
    padded = F.pad(images, (0, 0, crop, crop, crop, crop))
    width = side + 2 * crop
    rows += width * torch.arange(count, device=images.device).unsqueeze(1)
    lines = (
        padded.view(count * width, width * channels)
        .index_select(0, rows.flatten())
        .view(count, side, width * channels)
    )
    bytes_of = columns.unsqueeze(2) * channels + torch.arange(channels, device=images.device)
    return lines.gather(2, bytes_of.view(count, 1, side * channels).expand(-1, side, -1)).view(images.shape)


def _choice(draws: Int64[Tensor, " B"], field: int, choices: int) -> Int64[Tensor, " B"]:
    """A number below ``choices``; each is as likely as any other but for one part in 2 ** 15 / choices."""
    bits = (draws >> FIELD * field).bitwise_and(2**FIELD - 1)
    return (bits * choices) >> FIELD
