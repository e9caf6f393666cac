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
        groups: groups of the channels of ``x``; 1 if all filters see all channels.
        padding: zeros on each side of a map, in pixels.
        activation: ``relu``, ``tanh`` or ``sigmoid``.
        pooling: ``max`` or ``average``, over 2x2 pixels.

    Returns:
        Feature maps "(G o)" for the next convolution.
    """
    flat_bias = None if bias is None else bias.flatten().to(x.dtype)
    x = conv2d(x, filters.flatten(0, 1).to(x.dtype), flat_bias, padding=padding, groups=groups)
    activate = ACTIVATIONS[activation]
    # A rising function and a maximum commute, so pooling goes first: a quarter of the values is left.
    return activate(F.max_pool2d(x, 2)) if pooling == "max" else F.avg_pool2d(activate(x), 2)


def conv_pool_flatten(
    x: Float[Tensor, "B channels height width"],
    filters: Float[Tensor, "G o c row col"],
    bias: Float[Tensor, "G o"] | None,
    *,
    groups: int,
    padding: int = 0,
    activation: str,
    pooling: str = "max",
    strips: int = 1,
) -> Float[Tensor, "GS B strip"]:
    """Convolve, pool and activate as ``conv_pool`` does; return each strip's features in FEATURE_ORDER.

    The first axis of the result is "(G S)".
    """
    x = conv_pool(x, filters, bias, groups=groups, padding=padding, activation=activation, pooling=pooling)
    return rearrange(x, f"B (G o) (S row) col -> (G S) B ({FEATURE_ORDER})", G=len(filters), S=strips)


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


def regroup(
    x: Float[Tensor, "all_groups B units"], *, outer: int, inner: int
) -> Float[Tensor, "G B all_units"]:
    """Collect the units of each group: from "(outer G inner) B units" to "G B (units outer inner)"."""
    pattern = "(outer G inner) B units -> G B (units outer inner)"
    return rearrange(x, pattern, outer=outer, inner=inner)


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
