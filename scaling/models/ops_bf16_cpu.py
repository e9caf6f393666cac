"""What ``plain`` computes, in bf16 on a CPU, only faster. Axes as there; R is the number of replicas.

Three things make it so:

- Pooling and ReLU in one pass that is compiled, with a byte a pooled pixel to remember where it came from. torch takes three passes, eight
  bytes, and three passes back.
- Channels of a grouped convolution filled up to a multiple of 4 with zeros: for most others oneDNN falls back on far slower kernels.
  Besides, bf16 channels are multiplied in pairs, and in a group with an odd number of them the last one would be paired with the next
  replica's first one, times zero: a replica that diverges (NaN times zero) would take its neighbour with it.
- What the next layer reads is written in the order in which it reads it.

A bf16 number is handled as the integer that its bits are, because there is no other way to compare 32 of them at once.
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

FEATURE_ORDER = "row col o"
"""The order in which ``features`` lays out a strip."""

_NO_WINNER = 4
"""The winner of a window where the ReLU is closed."""


def supports(x: Tensor) -> bool:
    """Whether this file is for such images."""
    return x.dtype == torch.bfloat16 and x.device.type == "cpu"


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
    """As ``ops_reference.maps``, but that each group's maps are filled up to a multiple of 4 with maps that no filter may see."""
    if pooling != "max":
        filters, bias = _filled(filters, bias, x.shape[1] // groups)
        return ops_reference.maps(
            x, filters, bias, groups=groups, padding=padding, activation=activation, pooling=pooling
        )
    ys, have = _convolved(x, filters, bias, groups=groups, padding=padding)
    B, _, height, width = ys[0].shape
    G, o = len(filters), filters.shape[1]
    shape = (B, height // 2, width // 2, G, o + -o % 4)
    pooled = _Pooled.apply(
        shape, "B (S row) col (P G) o -> P B S row col G o", 1, have, activation == "relu", *ys
    )
    return _activated(pooled.flatten(3).permute(0, 3, 1, 2), activation)


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
    """As ``ops_reference.features``, in another order."""
    G, o = len(filters), filters.shape[1]
    if pooling != "max":
        x = maps(x, filters, bias, groups=groups, padding=padding, activation=activation, pooling=pooling)
        x = rearrange(x, "B (G o) height width -> B G o height width", G=G)[:, :, :o]
        return rearrange(x, f"B G o (S row) col -> G S B ({FEATURE_ORDER})", S=strips)
    ys, have = _convolved(x, filters, bias, groups=groups, padding=padding)
    B, _, height, width = ys[0].shape
    shape = (G, strips, B, height // 2 // strips, width // 2, o)
    pooled = _Pooled.apply(
        shape, "(P G) S B row col o -> P B S row col G o", strips, have, activation == "relu", *ys
    )
    return _activated(pooled.flatten(3), activation)


def _activated(x: Tensor, activation: str) -> Tensor:
    return x if activation == "relu" else ops_reference.ACTIVATIONS[activation](x)


def _convolved(
    x: Tensor, filters: Tensor, bias: Tensor | None, *, groups: int, padding: int
) -> tuple[Sequence[Tensor], int]:
    """The convolution's maps, whole, or one part a channel where each channel has filters of its own; and how many a group has in them."""
    c, o = filters.shape[2], filters.shape[1]
    if x.shape[1] == c:
        return [_dense(x, filters.flatten(0, 1), None if bias is None else bias.flatten(), padding)], o
    if x.shape[1] == groups:
        # Dense convolutions of one channel each: oneDNN's grouped one is slower, above all backward.
        pixels = x.permute(0, 2, 3, 1)
        channels = [pixels[..., c : c + 1].contiguous().permute(0, 3, 1, 2) for c in range(groups)]
        biases = [None] * groups if bias is None else bias.flatten().chunk(groups)
        parts = zip(channels, filters.flatten(0, 1).chunk(groups), biases, strict=True)
        return [_dense(channel, weight, offset, padding) for channel, weight, offset in parts], o
    filters, bias = _filled(filters, bias, x.shape[1] // groups)
    y = F.conv2d(
        x, filters.flatten(0, 1), None if bias is None else bias.flatten(), padding=padding, groups=groups
    )
    return [y], filters.shape[1]


def _dense(x: Tensor, filters: Tensor, bias: Tensor | None, padding: int) -> Tensor:
    """A convolution with all channels, to a multiple of 16 maps: pooling takes so many at once."""
    more = -len(filters) % 16
    filters = F.pad(filters, (0, 0, 0, 0, 0, 0, 0, more)) if more else filters
    return F.conv2d(x, filters, None if bias is None else F.pad(bias, (0, more)), padding=padding)


def _filled(filters: Tensor, bias: Tensor | None, channels: int) -> tuple[Tensor, Tensor | None]:
    """Filters that see so many channels, and a multiple of 4 of them a group; what is added is zero."""
    more = -filters.shape[1] % 4
    return F.pad(
        filters, (0, 0, 0, 0, 0, channels - filters.shape[2], 0, more)
    ), None if bias is None else F.pad(bias, (0, more))


class _Pooled(torch.autograd.Function):
    """The maximum over windows of 2x2 pixels, and its ReLU where asked for, written in any order of axes."""

    @staticmethod
    def forward(
        ctx: Any, shape: tuple[int, ...], order: str, strips: int, have: int, rectified: bool, *ys: Tensor
    ) -> Tensor:
        """Pool.

        Args:
            shape: of the result.
            order: of its axes, in terms of those that ``_pool`` writes: P parts, then B S row col G o.
            have: maps of each group in the parts; others follow after those of all groups, and are nobody's.
            ys: the parts: maps in channels_last.
        """
        pooled, winners = ys[0].new_empty(shape), []
        for y, part in zip(ys, rearrange(_bits(pooled), order, P=len(ys), S=strips), strict=True):
            maps = _bits(y.permute(0, 2, 3, 1))
            B, height, width, channels = maps.shape
            winners.append(np.empty((B, height // 2, width // 2, channels), np.uint8))
            _pool(maps, part, winners[-1], have, rectified)
        ctx.order, ctx.strips, ctx.have, ctx.winners, ctx.shapes = (
            order,
            strips,
            have,
            winners,
            [y.shape for y in ys],
        )
        return pooled

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Give each gradient to the pixel that won its window."""
        made = []
        parts = rearrange(_bits(gradient), ctx.order, P=len(ctx.winners), S=ctx.strips)
        for part, winner, (B, channels, height, width) in zip(parts, ctx.winners, ctx.shapes, strict=True):
            whole = height % 2 == width % 2 == 0
            maps = (gradient.new_empty if whole else gradient.new_zeros)(B, height, width, channels)
            _unpool(part, winner, _bits(maps), ctx.have)
            made.append(maps.permute(0, 3, 1, 2))
        return None, None, None, None, None, *made


def _bits(x: Tensor) -> NDArray[np.int16]:
    return x.contiguous().view(torch.int16).numpy()


@no_type_check
@njit(inline="always")
def _ordered(bits):
    """The integer at the place of a bf16 number among them all: both zeros at 0, NaN above everything, as torch has it."""
    magnitude = np.int16(bits & 0x7FFF)
    if magnitude > 0x7F80:
        return np.int16(0x7FFF)
    return magnitude if bits >= 0 else np.int16(-magnitude)


@no_type_check
@njit(inline="always")
def _number(ordered):
    """The bits of the bf16 number at a place."""
    return ordered if ordered >= 0 else np.int16(-0x8000 - ordered)


@no_type_check
@njit(cache=True, error_model="numpy")
def _pool(maps, pooled, winners, have, rectified):
    """maps [B, height, width, (G have) and more] to pooled [B, S, row, col, G, o'], and who won each window; of equals it is the first."""
    (B, S, rows, cols, G, o), channels = pooled.shape, maps.shape[3]
    best, floor = np.empty(channels, np.int16), np.int16(0 if rectified else -0x8000)
    for b in range(B):
        for line in range(S * rows):
            for col in range(cols):
                for i in range(
                    channels
                ):  # unrolled and indexed in full: so the compiler sees vector instructions in it
                    top, winner = floor, np.uint8(_NO_WINNER)
                    value = _ordered(maps[b, 2 * line, 2 * col, i])
                    if value > top:
                        top, winner = value, np.uint8(0)
                    value = _ordered(maps[b, 2 * line, 2 * col + 1, i])
                    if value > top:
                        top, winner = value, np.uint8(1)
                    value = _ordered(maps[b, 2 * line + 1, 2 * col, i])
                    if value > top:
                        top, winner = value, np.uint8(2)
                    value = _ordered(maps[b, 2 * line + 1, 2 * col + 1, i])
                    if value > top:
                        top, winner = value, np.uint8(3)
                    best[i] = _number(top)
                    winners[b, line, col, i] = winner
                for g in range(G):
                    for i in range(o):
                        pooled[b, line // rows, line % rows, col, g, i] = (
                            best[g * have + i] if i < have else 0
                        )


@no_type_check
@njit(cache=True, error_model="numpy")
def _unpool(pooled, winners, maps, have):
    """The gradient of ``_pool``'s maximum: from pooled to maps."""
    (B, S, rows, cols, G, o), channels = pooled.shape, maps.shape[3]
    given, nothing = np.zeros(channels, np.int16), np.int16(0)
    for b in range(B):
        for line in range(S * rows):
            for col in range(cols):
                for g in range(G):
                    for i in range(min(have, o)):
                        given[g * have + i] = pooled[b, line // rows, line % rows, col, g, i]
                for place in range(4):
                    for i in range(channels):
                        maps[b, 2 * line + place // 2, 2 * col + place % 2, i] = (
                            given[i] if winners[b, line, col, i] == place else nothing
                        )
