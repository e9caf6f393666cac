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

from collections.abc import Sequence
from itertools import product
from typing import Any, no_type_check

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from scaling.models.vector_instructions import HAS_WIDE_REGISTERS, LANES, Vectors
from scaling.models.vector_kernels import kernel
from scaling.models.vector_pairs import PAIR_COLUMNS, is_of_pairs

KERNEL = 5
"""Rows and columns of a filter."""
COLUMNS = tuple(range(KERNEL))
"""Columns of a filter's row."""
WINDOWS = 2
"""Windows of 2x2 pixels that are computed at once."""
FILTERS = 2 if HAS_WIDE_REGISTERS else 1
"""Filters whose windows are computed at once; their sums fill the registers."""
_INT = types.int64


def convolve_tile(
    v: Vectors,
    windows: int,
    maps: Any,
    strides: Any,
    filters: Any,
    c: Any,
    *,
    count: int = 1,
    lines: Any = None,
    taps_of_row: tuple[int, ...] = COLUMNS,
    has_pairs: bool = False,
) -> Any:
    """Add the loop that convolves a tile of 2 rows, and return its sums by (filter, row, column).

    Args:
        v: vector instructions.
        windows: windows of the tile, of 2 columns each.
        maps: data of the maps, and offset of the tile's first pixel.
        strides: strides of a row and of a channel.
        filters: data of the filters, and offset of the first weight; those of all channels are adjacent, and
            so are filters.
        c: number of channels.
        count: number of filters.
        lines: first line that is not 0, and the line after the last one, counted from the tile's first line;
            by default all lines count.
        taps_of_row: columns that the weights of a filter's row meet.
        has_pairs: True if each number of the maps and of the filters is a pair of bf16 numbers.
    """
    taps = KERNEL * len(taps_of_row)
    add_product = v.add_pair_products if has_pairs else v.add_product
    builder, columns, (row, channel), (x, at), (w, w_at) = v.builder, 2 * windows, strides, maps, filters
    sums = {tile: v.sums(1)[0] for tile in product(range(count), range(2), range(columns))}
    starts = [v.offset(w_at, (taps * f, c)) for f in range(count)]
    with cgutils.for_range(builder, c, intp=c.type) as loop:
        start = builder.add(at, builder.mul(loop.index, channel))
        weights = [v.offset(first, (taps, loop.index)) for first in starts]
        for line in range(KERNEL + 1):
            with v.if_within(line, lines):
                pixels = [
                    v.load(x, v.offset(start, (line, row), (z, LANES)))
                    for z in range(columns + taps_of_row[-1])
                ]
                # This line meets row i of the filter in the sums of row y.
                rows = [(y, line - y) for y in range(2) if 0 <= line - y < KERNEL]
                for (y, i), (n, j), f in product(rows, enumerate(taps_of_row), range(count)):
                    weight = v.load_scalar(w, v.offset(weights[f], (i * len(taps_of_row) + n, 1)))
                    for z in range(columns):
                        add_product(weight, pixels[z + j], sums[f, y, z])
    return {position: builder.load(total) for position, total in sums.items()}


def _make_pool_row(count: int) -> Any:
    """Return a function that writes a row of pooled pixels of some filters, and where they come from.

    Its arguments are those of ``convolve_and_pool``; ``w_at``, ``bias_at``, ``out_at`` and ``winners_at`` are
    those of the first filter, ``out_map`` and ``winners_map`` the strides of the next filters.
    """

    @no_type_check
    @intrinsic
    def pool_row(
        typing, x, at, row, channel, w, taps_of_row, w_at, c, biases, bias_at, activation,
        out, out_at, out_map, pixel, winners, winners_at, winners_map, windows,
    ):  # fmt: skip
        offsets = [_INT] * 3
        signature = types.void(
            x, *offsets, w, taps_of_row, _INT, _INT, biases, _INT, _INT,
            out, *offsets, winners, *offsets,
        )  # fmt: skip
        options = {
            "count": count,
            "taps_of_row": PAIR_COLUMNS if len(taps_of_row) == len(PAIR_COLUMNS) else COLUMNS,
            "has_pairs": is_of_pairs(x),
        }

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            (
                _, at, row, channel, _, _, w_at, c, _, bias_at, activation,
                _, out_at, out_map, pixel, _, winners_at, winners_map, windows,
            ) = args  # fmt: skip
            v = Vectors(context, builder, signature.args[11].dtype)
            x, w, biases, out, winners = v.data(signature.args, args, 0, 4, 8, 11, 15)

            def add_tiles(width: int, first: Any, tiles: Any) -> None:
                with cgutils.for_range(builder, tiles, intp=tiles.type) as loop:
                    window = v.offset(first, (width, loop.index))
                    start = v.offset(at, (2 * LANES, window))
                    sums = convolve_tile(v, width, (x, start), (row, channel), (w, w_at), c, **options)
                    for f, n in product(range(count), range(width)):
                        columns = 2 * n, 2 * n + 1
                        best, winner = _find_maximum(v, [sums[f, y, z] for y in range(2) for z in columns])
                        bias = v.load_scalar(biases, v.offset(bias_at, (f, 1)))
                        position = builder.add(window, ir.Constant(window.type, n))
                        target = builder.add(v.offset(out_at, (f, out_map)), builder.mul(position, pixel))
                        v.store(v.activate(builder.fadd(best, bias), activation), out, target)
                        v.store(winner, winners, v.offset(winners_at, (f, winners_map), (LANES, position)))

            zero, width = (ir.Constant(windows.type, number) for number in (0, WINDOWS))
            tiles = builder.sdiv(windows, width)
            done = builder.mul(tiles, width)
            add_tiles(WINDOWS, zero, tiles)
            add_tiles(1, done, builder.sub(windows, done))
            return context.get_dummy_value()

        return signature, generate

    return pool_row


def _find_maximum(v: Vectors, values: Sequence[Any]) -> tuple[Any, Any]:
    """Return the greatest of some vectors in each lane, and its number.

    Of equal numbers the first one wins, and NaN wins over everything, as in torch.
    """
    builder, best, winner = v.builder, values[0], v.bytes(0)
    for number, value in enumerate(values[1:], 1):
        is_nan = builder.fcmp_unordered("uno", value, value)
        wins = builder.or_(builder.fcmp_ordered(">", value, best), is_nan)
        best = builder.select(wins, value, best)
        winner = builder.select(wins, v.bytes(number), winner)
    return best, winner


_pool_row, _pool_rows = _make_pool_row(1), _make_pool_row(FILTERS)


@no_type_check
@kernel
def convolve_and_pool(
    x, filters, taps_of_row, biases, groups, activation, out, strides, rows, winners, first_group, end_group
):
    """Convolve, take the maximum over windows of 2x2 pixels, add biases, and activate.

    Args:
        x: maps [block, groups x c, y, z, lane]; group g of filters sees the channels of group g % groups.
            Both may be pairs of bf16 numbers, as ``vector_pairs`` writes them.
        filters: [G, o, c, i, j], with as many columns as ``taps_of_row``.
        taps_of_row: ``COLUMNS``, or ``PAIR_COLUMNS`` for pairs of columns.
        biases: [G, o].
        groups: groups of the channels of ``x``.
        activation: number of the activation.
        out: pooled pixels from the first group on, in any order of axes, as an array of one axis.
        strides: strides of ``out`` for block, G, strip, o, row of a strip and q.
        rows: pooled rows of a strip.
        winners: number of the pixel from which each maximum comes: [block, G, o, p, q, lane].
        first_group: first group to compute.
        end_group: group after the last one to compute.
    """
    blocks, G, o, P, Q, _ = winners.shape
    c, taps, height, width = filters.shape[2], filters.shape[3] * filters.shape[4], x.shape[2], x.shape[3]
    row, channel, pixel = width * LANES, height * width * LANES, strides[5]
    # A strip of all blocks is adjacent in ``out``, and is written while it is in the cache.
    for g in range(first_group, end_group):
        for start in range(0, P, rows):
            for block in range(blocks):
                first = (block * x.shape[1] + g % groups * c) * channel
                f = 0
                while f < o:
                    count = FILTERS if f + FILTERS <= o else 1
                    bias, weights = g * o + f, (g * o + f) * c * taps
                    for p in range(start, min(start + rows, P)):
                        at = first + 2 * p * row
                        target = block * strides[0] + (g - first_group) * strides[1] + p // rows * strides[2]
                        target += f * strides[3] + p % rows * strides[4]
                        winner = (((block * G + g) * o + f) * P + p) * Q * LANES
                        if count == FILTERS:
                            _pool_rows(
                                x, at, row, channel, filters, taps_of_row, weights, c, biases, bias,
                                activation, out, target, strides[3], pixel, winners, winner, P * Q * LANES, Q,
                            )  # fmt: skip
                        else:
                            _pool_row(
                                x, at, row, channel, filters, taps_of_row, weights, c, biases, bias,
                                activation, out, target, strides[3], pixel, winners, winner, P * Q * LANES, Q,
                            )  # fmt: skip
                    f += count


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
