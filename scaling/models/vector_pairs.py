"""Pairs of bf16 numbers, in the bits of integers of 32 bits.

An instruction multiplies two vectors of pairs and adds both products of each lane to a sum in fp32. A pair is
a pixel and the next one of its row, or the pixels of two channels, or the two weights that meet them.
"""

from __future__ import annotations

from typing import Any, no_type_check

import torch
from einops import rearrange
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from torch import Tensor

from scaling.models.vector_instructions import LANES, Vectors
from scaling.models.vector_kernels import kernel

PAIR_COLUMNS = (0, 2, 3)
"""Columns of a filter's row at which pairs of pixels of one row start.

The pixel of column 3 is in two pairs, each with half of its weight. With a weight of 0 instead, a pixel of
infinity would give NaN.
"""
_INT = types.int64


def is_of_pairs(array: Any) -> bool:
    """Return True if an array, given by numba's type, holds pairs of bf16 numbers: the bits of integers."""
    return isinstance(array.dtype, types.Integer)


def pair_columns(maps: Tensor) -> Tensor:
    """Return pairs of adjacent pixels in bf16, in the bits of integers."""
    pairs = torch.empty_like(maps, dtype=torch.int32)
    _write_columns(*(values.view(-1, *maps.shape[-2:]).detach().numpy() for values in (maps, pairs)))
    return pairs


def pair_channels(maps: Tensor, groups: int) -> Tensor:
    """Return pairs of the pixels of two channels of a group in bf16, in the bits of integers."""
    blocks, channels, *sides = maps.shape
    c = channels // groups
    pairs = torch.empty(blocks, groups * -(-c // 2), *sides, dtype=torch.int32)
    _write_channels(*(values.view(blocks * groups, -1, *sides).detach().numpy() for values in (maps, pairs)))
    return pairs


def pair_weights_of_columns(filters: Tensor) -> Tensor:
    """Return the weights that meet pairs of columns at ``PAIR_COLUMNS``."""
    weights = filters.detach().bfloat16()
    half = weights[..., 3:4] / 2
    return torch.cat([weights[..., :3], half, half, weights[..., 4:]], dim=-1).view(torch.int32)


def pair_weights_of_channels(filters: Tensor) -> Tensor:
    """Return the weights that meet pairs of channels, halved for a channel that is paired with itself."""
    weights = filters.detach().bfloat16()
    if weights.shape[2] % 2:
        half = weights[:, :, -1:] / 2
        weights = torch.cat([weights[:, :, :-1], half, half], dim=2)
    pairs = rearrange(weights, "G o (c pair) i j -> G o c i j pair", pair=2)
    return pairs.contiguous().view(torch.int32).squeeze(-1)


@no_type_check
@intrinsic
def _pair_pixels(typing, maps, first, second, count, pairs, at):
    """Write pairs of adjacent pixels and as many adjacent other pixels."""
    signature = types.void(maps, _INT, _INT, _INT, pairs, _INT)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, first, second, count, _, at = args
        v = Vectors(context, builder, signature.args[0].dtype)
        maps, pairs = v.data(signature.args, args, 0, 4)
        with cgutils.for_range(builder, count, intp=count.type) as loop:
            low, high = (
                v.round_to_bf16(v.load(maps, v.offset(start, (LANES, loop.index))))
                for start in (first, second)
            )
            v.store(builder.or_(low, v.upper_half(high)), pairs, v.offset(at, (LANES, loop.index)))
        return context.get_dummy_value()

    return signature, generate


@no_type_check
@kernel
def _write_columns(maps, pairs):
    """Write the pairs of each pixel and the next one of its row, in bf16, as the bits of integers.

    Nothing is written for the last pixel of a row.

    Args:
        maps: maps in fp32: [row, z, lane].
        pairs: the result, in the same order.
    """
    rows, width, _ = maps.shape
    for row in range(rows):
        at = row * width * LANES
        _pair_pixels(maps, at, at + LANES, width - 1, pairs, at)


@no_type_check
@kernel
def _write_channels(maps, pairs):
    """Write the pairs of the pixels of each two channels, in bf16, as the bits of integers.

    The last one of an odd number of channels is paired with itself.

    Args:
        maps: maps in fp32: [group, c, y, z, lane].
        pairs: the result: [group, pairs of channels, y, z, lane].
    """
    groups, c, height, width, _ = maps.shape
    size = height * width
    for g in range(groups):
        for k in range(pairs.shape[1]):
            first = (g * c + 2 * k) * size * LANES
            second = first + size * LANES if 2 * k + 1 < c else first
            _pair_pixels(maps, first, second, size, pairs, (g * pairs.shape[1] + k) * size * LANES)
