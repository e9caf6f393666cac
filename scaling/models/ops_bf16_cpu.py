"""The operations of ``ops_reference`` in bf16 on a CPU, faster.

Axes as in ``ops_reference``; R is the number of replicas.

Three things make them fast:

- Pooling and ReLU are one compiled pass, with one byte per pooled pixel to remember the pixel that it came
  from. torch takes three passes, eight bytes, and three passes back.
- Zeros pad the channels of a grouped convolution to a multiple of 4: for most other numbers oneDNN falls back
  on far slower kernels. Besides, bf16 channels are multiplied in pairs. In a group with an odd number of
  channels the last one would be paired with the first one of the next replica, times zero: a replica that
  diverges (NaN times zero) would spoil its neighbour.
- Each layer writes its output in the order in which the next layer reads it.

The compiled functions handle a bf16 number as the integer with the same bits, because there is no other way
to compare 32 of them at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, no_type_check

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from scaling.models import ops_reference
from scaling.models.ops_reference import connect as connect
from scaling.models.ops_reference import readout as readout
from scaling.models.ops_reference import regroup as regroup
from scaling.models.products import conv2d

FEATURE_ORDER = "row col o"
"""Order of the features of a strip, as ``conv_pool_flatten`` returns them."""

_NO_WINNER = 4
"""Winner of a window in which the ReLU is closed."""


def supports(x: Tensor) -> bool:
    """Return True if this module's operations accept ``x``."""
    return x.dtype == torch.bfloat16 and x.device.type == "cpu"


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
    """Convolve, pool and activate as ``ops_reference.conv_pool`` does, with padded groups.

    Each group is padded to a multiple of 4 maps. No filter of a later layer may see the padding.
    """
    if pooling != "max":
        filters, bias = _pad_groups(filters, bias, x.shape[1] // groups)
        return ops_reference.conv_pool(
            x, filters, bias, groups=groups, padding=padding, activation=activation, pooling=pooling
        )
    parts, group_maps = _convolve(x, filters, bias, groups=groups, padding=padding)
    B, _, height, width = parts[0].shape
    G, o = len(filters), filters.shape[1]
    shape = (B, height // 2, width // 2, G, o + -o % 4)
    order = "B (S row) col (P G) o -> P B S row col G o"
    pooled = _MaxPool.apply(shape, order, 1, group_maps, activation == "relu", *parts)
    return _activate(pooled.flatten(3).permute(0, 3, 1, 2), activation)


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
    """Convolve, pool and activate as ``ops_reference.conv_pool_flatten`` does, in this FEATURE_ORDER."""
    G, o = len(filters), filters.shape[1]
    if pooling != "max":
        x = conv_pool(
            x, filters, bias, groups=groups, padding=padding, activation=activation, pooling=pooling
        )
        x = rearrange(x, "B (G o) height width -> B G o height width", G=G)[:, :, :o]
        return rearrange(x, f"B G o (S row) col -> (G S) B ({FEATURE_ORDER})", S=strips)
    parts, group_maps = _convolve(x, filters, bias, groups=groups, padding=padding)
    B, _, height, width = parts[0].shape
    shape = (G, strips, B, height // 2 // strips, width // 2, o)
    order = "(P G) S B row col o -> P B S row col G o"
    pooled = _MaxPool.apply(shape, order, strips, group_maps, activation == "relu", *parts)
    return _activate(pooled.flatten(3).flatten(0, 1), activation)


def _activate(x: Tensor, activation: str) -> Tensor:
    return x if activation == "relu" else ops_reference.ACTIVATIONS[activation](x)


def _convolve(
    x: Tensor, filters: Tensor, bias: Tensor | None, *, groups: int, padding: int
) -> tuple[Sequence[Tensor], int]:
    """Return the convolution's maps and the number of maps of each group in them.

    The maps are one tensor, or one tensor per channel if each channel has its own filters.
    """
    c, o = filters.shape[2], filters.shape[1]
    filters, bias = filters.to(x.dtype), None if bias is None else bias.to(x.dtype)
    flat_bias = None if bias is None else bias.flatten()
    if x.shape[1] == c:
        return [_convolve_dense(x, filters.flatten(0, 1), flat_bias, padding)], o
    if x.shape[1] == groups:
        # Dense convolutions of one channel each: oneDNN's grouped convolution is slower, above all backward.
        pixels = x.permute(0, 2, 3, 1)
        channels = [pixels[..., c : c + 1].contiguous().permute(0, 3, 1, 2) for c in range(groups)]
        biases = [None] * groups if flat_bias is None else flat_bias.chunk(groups)
        parts = zip(channels, filters.flatten(0, 1).chunk(groups), biases, strict=True)
        return [_convolve_dense(channel, weight, offset, padding) for channel, weight, offset in parts], o
    filters, bias = _pad_groups(filters, bias, x.shape[1] // groups)
    flat_bias = None if bias is None else bias.flatten()
    y = conv2d(x, filters.flatten(0, 1), flat_bias, padding=padding, groups=groups)
    return [y], filters.shape[1]


def _convolve_dense(x: Tensor, filters: Tensor, bias: Tensor | None, padding: int) -> Tensor:
    """Convolve all channels, padded to a multiple of 16 maps: pooling takes 16 at once."""
    padding_maps = -len(filters) % 16
    filters = F.pad(filters, (0, 0, 0, 0, 0, 0, 0, padding_maps)) if padding_maps else filters
    return conv2d(x, filters, None if bias is None else F.pad(bias, (0, padding_maps)), padding=padding)


def _pad_groups(filters: Tensor, bias: Tensor | None, channels: int) -> tuple[Tensor, Tensor | None]:
    """Pad filters with zeros to ``channels`` input channels and to a multiple of 4 filters in each group."""
    padding_maps = -filters.shape[1] % 4
    padded = F.pad(filters, (0, 0, 0, 0, 0, channels - filters.shape[2], 0, padding_maps))
    return padded, None if bias is None else F.pad(bias, (0, padding_maps))


class _MaxPool(torch.autograd.Function):
    """The maximum over windows of 2x2 pixels, with an optional ReLU, written in any order of axes."""

    @staticmethod
    def forward(
        ctx: Any, shape: tuple[int, ...], order: str, strips: int, group_maps: int, relu: bool, *parts: Tensor
    ) -> Tensor:
        """Pool.

        Args:
            ctx: context of the autograd function.
            shape: shape of the result.
            order: its axes in terms of those that ``_pool`` writes: P parts, then B S row col G o.
            strips: strips of the pooled map.
            group_maps: maps of each group in a part; maps after those of all groups are padding.
            relu: True to apply the ReLU.
            parts: maps in channels_last.
        """
        pooled, winners = parts[0].new_empty(shape), []
        for y, part in zip(parts, rearrange(_bits(pooled), order, P=len(parts), S=strips), strict=True):
            maps = _bits(y.permute(0, 2, 3, 1))
            B, height, width, channels = maps.shape
            winners.append(np.empty((B, height // 2, width // 2, channels), np.uint8))
            _pool(maps, part, winners[-1], group_maps, relu)
        ctx.order, ctx.strips, ctx.group_maps = order, strips, group_maps
        ctx.winners, ctx.shapes = winners, [y.shape for y in parts]
        return pooled

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Give each gradient to the pixel that won its window."""
        gradients = []
        parts = rearrange(_bits(gradient), ctx.order, P=len(ctx.winners), S=ctx.strips)
        for part, winners, (B, channels, height, width) in zip(parts, ctx.winners, ctx.shapes, strict=True):
            is_covered = height % 2 == width % 2 == 0
            maps = (gradient.new_empty if is_covered else gradient.new_zeros)(B, height, width, channels)
            _unpool(part, winners, _bits(maps), ctx.group_maps)
            gradients.append(maps.permute(0, 3, 1, 2))
        return None, None, None, None, None, *gradients


def _bits(x: Tensor) -> NDArray[np.int16]:
    return x.contiguous().view(torch.int16).numpy()


@no_type_check
@njit(inline="always")
def _to_rank(bits):
    """Return an integer that sorts as the bf16 number does: 0 for both zeros, NaN above everything."""
    magnitude = np.int16(bits & 0x7FFF)
    if magnitude > 0x7F80:
        return np.int16(0x7FFF)
    return magnitude if bits >= 0 else np.int16(-magnitude)


@no_type_check
@njit(inline="always")
def _from_rank(rank):
    """Return the bits of the bf16 number with this rank."""
    return rank if rank >= 0 else np.int16(-0x8000 - rank)


@no_type_check
@njit(cache=True, error_model="numpy")
def _pool(maps, pooled, winners, group_maps, relu):
    """Pool maps [B, height, width, G group_maps and padding] to pooled [B, S, row, col, G, o'].

    Of equal pixels the first one wins.
    """
    (B, S, rows, cols, G, o), channels = pooled.shape, maps.shape[3]
    best, floor = np.empty(channels, np.int16), np.int16(0 if relu else -0x8000)
    for b in range(B):
        for line in range(S * rows):
            for col in range(cols):
                # Unrolled and indexed in full, so that the compiler sees vector instructions in the loop.
                for i in range(channels):
                    top, winner = floor, np.uint8(_NO_WINNER)
                    value = _to_rank(maps[b, 2 * line, 2 * col, i])
                    if value > top:
                        top, winner = value, np.uint8(0)
                    value = _to_rank(maps[b, 2 * line, 2 * col + 1, i])
                    if value > top:
                        top, winner = value, np.uint8(1)
                    value = _to_rank(maps[b, 2 * line + 1, 2 * col, i])
                    if value > top:
                        top, winner = value, np.uint8(2)
                    value = _to_rank(maps[b, 2 * line + 1, 2 * col + 1, i])
                    if value > top:
                        top, winner = value, np.uint8(3)
                    best[i] = _from_rank(top)
                    winners[b, line, col, i] = winner
                for g in range(G):
                    for i in range(o):
                        pooled[b, line // rows, line % rows, col, g, i] = (
                            best[g * group_maps + i] if i < group_maps else 0
                        )


@no_type_check
@njit(cache=True, error_model="numpy")
def _unpool(pooled, winners, maps, group_maps):
    """Write the gradient of ``_pool``'s maximum, from pooled to maps."""
    (B, S, rows, cols, G, o), channels = pooled.shape, maps.shape[3]
    gradient, zero = np.zeros(channels, np.int16), np.int16(0)
    for b in range(B):
        for line in range(S * rows):
            for col in range(cols):
                for g in range(G):
                    for i in range(min(group_maps, o)):
                        gradient[g * group_maps + i] = pooled[b, line // rows, line % rows, col, g, i]
                for pixel in range(4):
                    for i in range(channels):
                        maps[b, 2 * line + pixel // 2, 2 * col + pixel % 2, i] = (
                            gradient[i] if winners[b, line, col, i] == pixel else zero
                        )
