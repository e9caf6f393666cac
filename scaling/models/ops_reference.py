"""A convolution with its 2x2 pooling and activation, in any precision, on any device: what ``fast`` is held against.

Axes:
    B   images in a batch            o   filters of a group
    G   groups of filters            S   strips of the pooled map; 1 where it stays whole
    c   channels that a filter sees  row, col  of a filter, a map or a strip
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

FEATURE_ORDER = "o row col"
"""The order in which ``features`` lays out a strip."""

ACTIVATIONS = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}


def maps(
    x: Float[Tensor, "B channels height width"],
    filters: Float[Tensor, "G o c row col"],
    bias: Float[Tensor, "G o"] | None,
    *,
    groups: int,
    padding: int = 0,
    activation: str,
    pooling: str = "max",
) -> Float[Tensor, "B maps half_height half_width"]:
    """Convolve, pool and activate, to maps "(G o)" for the next convolution.

    Args:
        groups: of the channels of x; 1 where all filters see all of them.
        activation: ``relu``, ``tanh`` or ``sigmoid``.
        pooling: ``max`` or ``average``, over 2x2 pixels.
    """
    x = F.conv2d(
        x, filters.flatten(0, 1), None if bias is None else bias.flatten(), padding=padding, groups=groups
    )
    activate = ACTIVATIONS[activation]
    # A rising function and a maximum commute, so the maximum goes first: a quarter of the values is left.
    return activate(F.max_pool2d(x, 2)) if pooling == "max" else F.avg_pool2d(activate(x), 2)


def readout(
    x: Float[Tensor, "R B units"],
    weight: Float[Tensor, "R units classes"],
    bias: Float[Tensor, "R classes"] | None,
) -> Float[Tensor, "R B classes"]:
    """Logits, in the weights' own precision whatever that of x: those that are rounded to bf16 teach worse (docs/decisions/0006)."""
    x = x.to(weight.dtype)
    return torch.bmm(x, weight) if bias is None else torch.baddbmm(bias.unsqueeze(1), x, weight)


def features(
    x: Float[Tensor, "B channels height width"],
    filters: Float[Tensor, "G o c row col"],
    bias: Float[Tensor, "G o"] | None,
    *,
    groups: int,
    padding: int = 0,
    activation: str,
    pooling: str = "max",
    strips: int = 1,
) -> Float[Tensor, "G S B strip"]:
    """As ``maps``, to the features of each strip, in the order of FEATURES."""
    x = maps(x, filters, bias, groups=groups, padding=padding, activation=activation, pooling=pooling)
    return rearrange(x, f"B (G o) (S row) col -> G S B ({FEATURE_ORDER})", G=len(filters), S=strips)
