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
    maps, group_maps = _convolve(x, filters, bias, groups=groups, padding=padding)
    B, _, height, width = maps.shape
    G, o = len(filters), filters.shape[1]
    shape = (B, height // 2, width // 2, G, o + -o % 4)
    pooled = _MaxPool.apply(shape, "B row col G o", group_maps, activation == "relu", maps)
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
) -> Float[Tensor, "G B features"]:
    """Convolve, pool and activate as ``ops_reference.conv_pool_flatten`` does, in this FEATURE_ORDER."""
    G, o = len(filters), filters.shape[1]
    if pooling != "max":
        x = conv_pool(
            x, filters, bias, groups=groups, padding=padding, activation=activation, pooling=pooling
        )
        x = rearrange(x, "B (G o) height width -> B G o height width", G=G)[:, :, :o]
        return rearrange(x, f"B G o row col -> G B ({FEATURE_ORDER})")
    maps, group_maps = _convolve(x, filters, bias, groups=groups, padding=padding)
    B, _, height, width = maps.shape
    shape = (G, B, height // 2, width // 2, o)
    pooled = _MaxPool.apply(shape, "G B row col o", group_maps, activation == "relu", maps)
    return _activate(pooled.flatten(2), activation)


def _activate(x: Tensor, activation: str) -> Tensor:
    return x if activation == "relu" else ops_reference.ACTIVATIONS[activation](x)


def _convolve(
    x: Tensor, filters: Tensor, bias: Tensor | None, *, groups: int, padding: int
) -> tuple[Tensor, int]:
    """Return the convolution's maps and the number of maps of each group in them."""
    c, o = filters.shape[2], filters.shape[1]
    filters, bias = filters.to(x.dtype), None if bias is None else bias.to(x.dtype)
    flat_bias = None if bias is None else bias.flatten()
    if x.shape[1] == c:
        return _convolve_dense(x, filters.flatten(0, 1), flat_bias, padding), o
    filters, bias = _pad_groups(filters, bias, x.shape[1] // groups)
    flat_bias = None if bias is None else bias.flatten()
    y = conv2d(x, filters.flatten(0, 1), flat_bias, padding=padding, groups=groups)
    return y, filters.shape[1]


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
        ctx: Any, shape: tuple[int, ...], axes: str, group_maps: int, relu: bool, y: Tensor
    ) -> Tensor:
        """Pool.

        Args:
            ctx: context of the autograd function.
            shape: shape of the result.
            axes: axes of the result: B, row, col, G and o in any order.
            group_maps: maps of each group; maps after those of all groups are padding.
            relu: True to apply the ReLU.
            y: maps in channels_last.
        """
        pooled, maps = y.new_empty(shape), _bits(y.permute(0, 2, 3, 1))
        B, height, width, channels = maps.shape
        winners = np.empty((B, height // 2, width // 2, channels), np.uint8)
        _pool(maps, rearrange(_bits(pooled), f"{axes} -> B row col G o"), winners, group_maps, relu)
        ctx.axes, ctx.group_maps, ctx.winners, ctx.shape = axes, group_maps, winners, y.shape
        return pooled

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Give each gradient to the pixel that won its window."""
        B, channels, height, width = ctx.shape
        is_covered = height % 2 == width % 2 == 0
        maps = (gradient.new_empty if is_covered else gradient.new_zeros)(B, height, width, channels)
        pooled = rearrange(_bits(gradient), f"{ctx.axes} -> B row col G o")
        _unpool(pooled, ctx.winners, _bits(maps), ctx.group_maps)
        return None, None, None, None, maps.permute(0, 3, 1, 2)


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
    """Pool maps [B, height, width, G group_maps and padding] to pooled [B, row, col, G, o'].

    Of equal pixels the first one wins.
    """
    (B, rows, cols, G, o), channels = pooled.shape, maps.shape[3]
    best, floor = np.empty(channels, np.int16), np.int16(0 if relu else -0x8000)
    for b in range(B):
        for line in range(rows):
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
                        pooled[b, line, col, g, i] = best[g * group_maps + i] if i < group_maps else 0


@no_type_check
@njit(cache=True, error_model="numpy")
def _unpool(pooled, winners, maps, group_maps):
    """Write the gradient of ``_pool``'s maximum, from pooled to maps."""
    (B, rows, cols, G, o), channels = pooled.shape, maps.shape[3]
    gradient, zero = np.zeros(channels, np.int16), np.int16(0)
    for b in range(B):
        for line in range(rows):
            for col in range(cols):
                for g in range(G):
                    for i in range(min(group_maps, o)):
                        gradient[g * group_maps + i] = pooled[b, line, col, g, i]
                for pixel in range(4):
                    for i in range(channels):
                        maps[b, 2 * line + pixel // 2, 2 * col + pixel % 2, i] = (
                            gradient[i] if winners[b, line, col, i] == pixel else zero
                        )
