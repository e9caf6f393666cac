"""Convolution with 2x2 pooling and activation, in any precision on any device: the reference.

Axes:
    B   images in a batch            o   filters of a group
    G   groups of filters            S   strips of the pooled map; 1 if the map stays whole
    c   channels that a filter sees  row, col  of a filter, a map or a strip
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from scaling.models.products import baddbmm, bmm, conv2d

FEATURE_ORDER = "o row col"
"""Order of the features of a strip, as ``conv_pool_flatten`` returns them."""

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "sigmoid": torch.sigmoid,
}


def conv_pool(
    x: Float[Tensor, "B channels height width"],
    filters: Float[Tensor, "G o c row col"],
    bias: Float[Tensor, "G o"] | None,
    *,
    groups: int,
    padding: int = 0,
    activation: str,
    pooling: str = "max",
) -> Float[Tensor, "B maps half_height half_width"]:
    """Convolve, pool and activate.

    Args:
        x: images or feature maps.
        filters: weights of the convolution; they and the biases are converted to the type of ``x``.
        bias: one bias per filter, or None.
        groups: groups of the channels of ``x``, 1 if all filters see all channels; group G of the filters
            sees group G % groups.
        padding: zeros on each side of a map, in pixels.
        activation: ``relu``, ``tanh`` or ``sigmoid``.
        pooling: ``max`` or ``average``, over 2x2 pixels.

    Returns:
        Feature maps "(G o)" for the next convolution.
    """
    G = len(filters)
    flat_bias = None if bias is None else _by_channels(bias, groups).flatten().to(x.dtype)
    flat_filters = _by_channels(filters, groups).flatten(0, 1).to(x.dtype)
    x = conv2d(x, flat_filters, flat_bias, padding=padding, groups=groups)
    if 1 < groups < G:
        x = rearrange(x, "B (groups n o) row col -> B (n groups o) row col", groups=groups, n=G // groups)
    activate = ACTIVATIONS[activation]
    # A rising function and a maximum commute, so pooling goes first: a quarter of the values is left.
    return activate(F.max_pool2d(x, 2)) if pooling == "max" else F.avg_pool2d(activate(x), 2)


def _by_channels(part: Tensor, groups: int) -> Tensor:
    """Order groups of filters by the channels that they see, as torch's convolutions expect them."""
    return rearrange(part, "(n groups) ... -> (groups n) ...", groups=groups)


def conv_pool_flatten(
    x: Float[Tensor, "B channels height width"],
    filters: Float[Tensor, "G o c row col"],
    bias: Float[Tensor, "G o"] | None,
    *,
    groups: int,
    padding: int = 0,
    activation: str,
    pooling: str = "max",
) -> Float[Tensor, "G B features"]:
    """Convolve, pool and activate as ``conv_pool`` does; return the features in FEATURE_ORDER."""
    x = conv_pool(x, filters, bias, groups=groups, padding=padding, activation=activation, pooling=pooling)
    return rearrange(x, f"B (G o) row col -> G B ({FEATURE_ORDER})", G=len(filters))


def conv_pool_connect(
    x: Float[Tensor, "B channels height width"],
    filters: Float[Tensor, "G o c row col"],
    bias: Float[Tensor, "G o"] | None,
    weight: Float[Tensor, "GS strip units"],
    unit_bias: Float[Tensor, "GS units"] | None,
    *,
    groups: int,
    activation: str,
) -> Float[Tensor, "GS B units"]:
    """Convolve, pool and activate as ``conv_pool`` does; connect each strip of the maps with its own units.

    Args:
        x: as above.
        filters: as above.
        bias: as above.
        weight: weights of a group's strips of rows, "(G S)", and their features "(o row col)".
        unit_bias: one bias per unit, or None.
        groups: as above.
        activation: activation of the maps and of the units.
    """
    x = conv_pool(x, filters, bias, groups=groups, activation=activation)
    G = len(filters)
    strips = rearrange(x, "B (G o) (S row) col -> (G S) B (o row col)", G=G, S=len(weight) // G)
    return connect(strips, weight, unit_bias, activation=activation)


def connect(
    x: Float[Tensor, "G B inputs"],
    weight: Float[Tensor, "G inputs units"],
    bias: Float[Tensor, "G units"] | None,
    *,
    activation: str,
) -> Float[Tensor, "G B units"]:
    """Apply a fully connected layer to each group, and activate; the weights are converted to x's type."""
    weight = weight.to(x.dtype)
    product = bmm(x, weight) if bias is None else baddbmm(bias.to(x.dtype).unsqueeze(1), x, weight)
    return ACTIVATIONS[activation](product)


def regroup(x: Float[Tensor, "all_groups B units"], *, inner: int) -> Float[Tensor, "G B all_units"]:
    """Collect the units of each group: from "(G inner) B units" to "G B (units inner)"."""
    return rearrange(x, "(G inner) B units -> G B (units inner)", inner=inner)


def readout(
    x: Float[Tensor, "R B units"],
    weight: Float[Tensor, "R units classes"],
    bias: Float[Tensor, "R classes"] | None,
) -> Float[Tensor, "R B classes"]:
    """Compute logits in the precision of the weights.

    Logits that are rounded to bf16 train worse (docs/decisions/0006).
    """
    x = x.to(weight.dtype)
    return bmm(x, weight) if bias is None else baddbmm(bias.unsqueeze(1), x, weight)
