"""Convolutions with maximum pooling whose vectors hold one pixel of many images.

With images as lanes, each weight is a scalar, so that a convolution with one filter is as efficient as one
with many.

Axes:
    block  as many images as lanes   lane   image of a block
    G      groups of filters         o      filters of a group
    c      channels that a filter sees
    y, z   row and column of a map   p, q   row and column of a pooled map
    i, j   row and column of a filter

Arrays are contiguous; offsets and strides count elements.
"""

from __future__ import annotations

from itertools import product
from typing import Any, no_type_check

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from scaling.models.vector_instructions import HAS_BF16_PAIRS, LANES, Vectors
from scaling.models.vector_kernels import kernel

KERNEL = 5
"""Rows and columns of a filter."""
PAIR_COLUMNS = (0, 2, 3)
"""Columns of a filter's row at which pairs of pixels start.

The pixel of column 3 is in two pairs, each with half of its weight. With a weight of 0 instead, a pixel of
infinity would give NaN.
"""
WINDOWS = 2
"""Windows of 2x2 pixels that are computed at once; their sums fill the registers."""
_INT = types.int64


def convolve_tile(
    v: Vectors,
    windows: int,
    maps: Any,
    strides: Any,
    filters: Any,
    c: Any,
    *,
    lines: Any = None,
    has_pairs: bool = False,
) -> Any:
    """Add the loop that convolves a tile of 2 rows, and return its sums by (row, column).

    Args:
        v: vector instructions.
        windows: windows of the tile, of 2 columns each.
        maps: data of the maps, and offset of the tile's first pixel.
        strides: strides of a row and of a channel.
        filters: data of the filters, and offset of the first weight; those of all channels are adjacent.
        c: number of channels.
        lines: first line that is not 0, and the line after the last one, counted from the tile's first line;
            by default all lines count.
        has_pairs: True if each number of the maps and of the filters is a pair of bf16 numbers: a pixel and
            the next one of its row, or two weights.
    """
    taps_of_row = PAIR_COLUMNS if has_pairs else range(KERNEL)
    add_product = v.add_pair_products if has_pairs else v.add_product
    builder, columns, (row, channel), (x, at), (w, w_at) = v.builder, 2 * windows, strides, maps, filters
    sums = {(y, z): v.sums(1)[0] for y, z in product(range(2), range(columns))}
    with cgutils.for_range(builder, c, intp=c.type) as loop:
        start = builder.add(at, builder.mul(loop.index, channel))
        weights = v.offset(w_at, (KERNEL * len(taps_of_row), loop.index))
        for line in range(KERNEL + 1):
            with v.if_within(line, lines):
                pixels = [
                    v.load(x, v.offset(start, (line, row), (z, LANES)))
                    for z in range(columns + taps_of_row[-1])
                ]
                # This line meets row i of the filter in the sums of row y.
                taps = [(y, line - y) for y in range(2) if 0 <= line - y < KERNEL]
                for (y, i), (n, j) in product(taps, enumerate(taps_of_row)):
                    weight = v.load_scalar(w, v.offset(weights, (i * len(taps_of_row) + n, 1)))
                    for z in range(columns):
                        add_product(weight, pixels[z + j], sums[y, z])
    return {position: builder.load(total) for position, total in sums.items()}


def _make_pool_tile(windows: int, *, has_pairs: bool = False) -> Any:
    """Return a function that writes a tile's pooled pixels, and the pixels that they come from."""

    @no_type_check
    @intrinsic
    def pool_tile(
        typing, x, at, row, channel, w, w_at, c, bias, activation, out, out_at, pixel, winners, winners_at
    ):
        signature = types.void(
            x, _INT, _INT, _INT, w, _INT, _INT, x.dtype, _INT, out, _INT, _INT, winners, _INT
        )

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            _, at, row, channel, _, w_at, c, bias, activation, _, out_at, pixel, _, winners_at = args
            v = Vectors(context, builder, signature.args[0].dtype)
            x, w, out, winners = v.data(signature.args, args, 0, 4, 9, 12)
            bias = v.broadcast(bias)
            sums = convolve_tile(
                v, windows, (x, at), (row, channel), (w, w_at), c, has_pairs=has_pairs and v.bits == 32
            )
            for q in range(windows):
                best, winner = sums[0, 2 * q], v.bytes(0)
                for number in range(1, 4):
                    value = sums[number // 2, 2 * q + number % 2]
                    # Of equal pixels the first one wins, and NaN wins over everything, as in torch.
                    is_nan = builder.fcmp_unordered("uno", value, value)
                    wins = builder.or_(builder.fcmp_ordered(">", value, best), is_nan)
                    best = builder.select(wins, value, best)
                    winner = builder.select(wins, v.bytes(number), winner)
                pooled = v.activate(builder.fadd(best, bias), activation)
                v.store(pooled, out, v.offset(out_at, (q, pixel)))
                v.store(winner, winners, v.offset(winners_at, (q, LANES)))
            return context.get_dummy_value()

        return signature, generate

    return pool_tile


_pool_windows, _pool_window = _make_pool_tile(WINDOWS), _make_pool_tile(1)
_pool_windows_of_pairs, _pool_window_of_pairs = (
    _make_pool_tile(windows, has_pairs=HAS_BF16_PAIRS) for windows in (WINDOWS, 1)
)


@no_type_check
@kernel
def _pool_row(
    x, at, row, channel, filters, weights, c, bias, activation, out, target, pixel, winners, winner, Q
):
    """Write a row of pooled pixels."""
    q = 0
    while q + WINDOWS <= Q:
        _pool_windows(
            x, at + 2 * q * LANES, row, channel, filters, weights, c, bias, activation,
            out, target + q * pixel, pixel, winners, winner + q * LANES,
        )  # fmt: skip
        q += WINDOWS
    if q < Q:
        _pool_window(
            x, at + 2 * q * LANES, row, channel, filters, weights, c, bias, activation,
            out, target + q * pixel, pixel, winners, winner + q * LANES,
        )  # fmt: skip


@no_type_check
@kernel
def _pool_row_of_pairs(
    x, at, row, channel, filters, weights, c, bias, activation, out, target, pixel, winners, winner, Q
):
    """Write a row of pooled pixels, from pairs of bf16 numbers."""
    q = 0
    while q + WINDOWS <= Q:
        _pool_windows_of_pairs(
            x, at + 2 * q * LANES, row, channel, filters, weights, c, bias, activation,
            out, target + q * pixel, pixel, winners, winner + q * LANES,
        )  # fmt: skip
        q += WINDOWS
    if q < Q:
        _pool_window_of_pairs(
            x, at + 2 * q * LANES, row, channel, filters, weights, c, bias, activation,
            out, target + q * pixel, pixel, winners, winner + q * LANES,
        )  # fmt: skip


@no_type_check
@intrinsic
def _pair_row(typing, maps, at, width, pairs):
    """Write the pairs of a row of pixels."""
    signature = types.void(maps, _INT, _INT, pairs)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, at, width, _ = args
        v = Vectors(context, builder, signature.args[0].dtype)
        maps, pairs = v.data(signature.args, args, 0, 3)
        with cgutils.for_range(
            builder, builder.sub(width, ir.Constant(width.type, 1)), intp=width.type
        ) as loop:
            position = v.offset(at, (LANES, loop.index))
            pixel, following = (
                v.round_to_bf16(v.load(maps, v.offset(position, (n, LANES)))) for n in range(2)
            )
            v.store(builder.bitcast(builder.or_(pixel, v.upper_half(following)), v.type), pairs, position)
        return context.get_dummy_value()

    return signature, generate


@no_type_check
@kernel
def to_pairs(maps, pairs):
    """Write the pairs of each pixel and the next one of its row, in bf16, as bits of fp32 numbers.

    Nothing is written for the last pixel of a row.

    Args:
        maps: maps in fp32: [row, z, lane].
        pairs: the result, in the same order.
    """
    rows, width, _ = maps.shape
    for row in range(rows):
        _pair_row(maps, row * width * LANES, width, pairs)


@no_type_check
@kernel
def convolve_and_pool(x, filters, has_pairs, biases, groups, activation, out, strides, rows, winners):
    """Convolve, take the maximum over windows of 2x2 pixels, add biases, and activate.

    Args:
        x: maps [block, groups x c, y, z, lane]; each group of filters sees the channels of one group.
        filters: [G, o, c, i, j], or [G, o, c, i, pair].
        has_pairs: True if ``x`` and ``filters`` are pairs of bf16 numbers, as ``to_pairs`` writes them.
        biases: [G, o].
        groups: groups of the channels of ``x``.
        activation: number of the activation.
        out: pooled pixels in any order of axes, as an array of one axis.
        strides: strides of ``out`` for block, G, strip, o, row of a strip and q.
        rows: pooled rows of a strip.
        winners: number of the pixel from which each maximum comes: [block, G, o, p, q, lane].
    """
    blocks, G, o, P, Q, _ = winners.shape
    c, taps, height, width = filters.shape[2], filters.shape[3] * filters.shape[4], x.shape[2], x.shape[3]
    row, channel, pixel = width * LANES, height * width * LANES, strides[5]
    # A strip of all blocks is adjacent in ``out``, and is written while it is in the cache.
    for g in range(G):
        for start in range(0, P, rows):
            for block in range(blocks):
                first = (block * x.shape[1] + g * groups // G * c) * channel
                for f in range(o):
                    bias, weights = biases[g, f], (g * o + f) * c * taps
                    for p in range(start, min(start + rows, P)):
                        at = first + 2 * p * row
                        target = block * strides[0] + g * strides[1] + p // rows * strides[2]
                        target += f * strides[3] + p % rows * strides[4]
                        winner = (((block * G + g) * o + f) * P + p) * Q * LANES
                        if has_pairs:
                            _pool_row_of_pairs(
                                x, at, row, channel, filters, weights, c, bias, activation,
                                out, target, pixel, winners, winner, Q,
                            )  # fmt: skip
                        else:
                            _pool_row(
                                x, at, row, channel, filters, weights, c, bias, activation,
                                out, target, pixel, winners, winner, Q,
                            )  # fmt: skip


@no_type_check
@kernel
def to_lanes(images, padding, out):
    """Copy images [B, height, width, channels] to maps [block, channels, y, z, lane], with zeros around them.

    Lanes without an image are 0.
    """
    B, height, width, channels = images.shape
    for block in range(out.shape[0]):
        count = min(LANES, B - block * LANES)
        for k in range(channels):
            for y in range(out.shape[2]):
                is_border = y < padding or y >= padding + height
                for z in range(out.shape[3]):
                    if is_border or z < padding or z >= padding + width:
                        for lane in range(LANES):
                            out[block, k, y, z, lane] = 0
                        continue
                    for lane in range(count):
                        out[block, k, y, z, lane] = images[block * LANES + lane, y - padding, z - padding, k]
                    for lane in range(count, LANES):
                        out[block, k, y, z, lane] = 0
