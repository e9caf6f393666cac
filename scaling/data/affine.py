"""Affine distortions, drawn separately for each image.

Axes:
    B   images in a batch      C  channels
"""

from __future__ import annotations

from math import log1p

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64, UInt8
from torch import Tensor

from scaling.config.recipe import Affine

_BITS = 12
"""Number of random bits for each of the five numbers of a distortion."""


def distort(
    images: UInt8[Tensor, "B side side C"], draws: Int64[Tensor, " B"], affine: Affine
) -> UInt8[Tensor, "B side side C"]:
    """Distort images.

    Args:
        images: images of a batch.
        draws: 63 random bits for each image.
        affine: largest distortions. Without any, the images themselves are returned.
    """
    if affine == Affine():
        return images
    horizontal, vertical, scale, squeeze, shear = (_symmetric(draws, index) for index in range(5))
    log_scale, log_squeeze = log1p(affine.scale) * scale, log1p(affine.squeeze) * squeeze
    return transform(
        images,
        translation=affine.translation * torch.stack([horizontal, vertical], dim=1),
        size=torch.stack([log_scale + log_squeeze, log_scale - log_squeeze], dim=1).exp(),
        shear=affine.shear * shear,
    )


def transform(
    images: UInt8[Tensor, "B side side C"],
    *,
    translation: Float[Tensor, "B 2"],
    size: Float[Tensor, "B 2"],
    shear: Float[Tensor, " B"],
) -> UInt8[Tensor, "B side side C"]:
    """Resize, shear and translate images around their centres; the new area has the value 0.

    Args:
        images: images of a batch.
        translation: displacement to the right and downwards, in pixels.
        size: width and height over those of the original.
        shear: displacement to the right per pixel below the centre.
    """
    # For each pixel of the result, affine_grid computes the position in the original: the inverse of the
    # distortion. Its coordinates are 0 in the centre and 1 at the border.
    (right, down), (width, height) = (2 / images.shape[1] * translation).unbind(1), size.unbind(1)
    inverse = torch.stack(
        [
            *(1 / width, -shear / width, (shear * down - right) / width),
            *(torch.zeros_like(height), 1 / height, -down / height),
        ],
        dim=1,
    )
    pixels = images.permute(0, 3, 1, 2).float()
    grid = F.affine_grid(inverse.view(-1, 2, 3), list(pixels.shape), align_corners=False)
    distorted: Tensor = F.grid_sample(
        pixels, grid, mode="bilinear", padding_mode="zeros", align_corners=False
    )
    return distorted.round_().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


def _symmetric(draws: Int64[Tensor, " B"], index: int) -> Float[Tensor, " B"]:
    """Return a number from -1 to 1, uniform on 2 ** 12 values."""
    largest = 2**_BITS - 1
    bits: Tensor = (draws >> _BITS * index).bitwise_and(largest)
    return bits.float().mul_(2 / largest).sub_(1)
