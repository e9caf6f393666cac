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
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from scaling.models.vector_instructions import HAS_WIDE_REGISTERS, LANES, Vectors

KERNEL = 5
"""Rows and columns of a filter."""
_WINDOWS = 2
"""Windows of 2x2 pixels that are computed at once; their sums fill the registers."""
_TAP_ROWS = KERNEL if HAS_WIDE_REGISTERS else 1
"""Rows of a filter whose gradients are computed at once."""
_GRADIENT_COLUMNS = 4
"""Columns of a map whose gradients are in registers at once."""
_INT = types.int64


def _convolve_tile(
    v: Vectors, windows: int, maps: Any, strides: Any, filters: Any, c: Any, *, lines: Any = None
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
    """
    builder, columns, (row, channel), (x, at), (w, w_at) = v.builder, 2 * windows, strides, maps, filters
    sums = {(y, z): v.sums(1)[0] for y, z in product(range(2), range(columns))}
    with cgutils.for_range(builder, c, intp=c.type) as loop:
        start = builder.add(at, builder.mul(loop.index, channel))
        weights = v.offset(w_at, (KERNEL**2, loop.index))
        for line in range(KERNEL + 1):
            with v.if_within(line, lines):
                pixels = [
                    v.load(x, v.offset(start, (line, row), (z, LANES))) for z in range(columns + KERNEL - 1)
                ]
                # This line meets row i of the filter in the sums of row y.
                taps = [(y, line - y) for y in range(2) if 0 <= line - y < KERNEL]
                for (y, i), j in product(taps, range(KERNEL)):
                    weight = v.load_scalar(w, v.offset(weights, (i * KERNEL + j, 1)))
                    for z in range(columns):
                        v.add_product(weight, pixels[z + j], sums[y, z])
    return {position: builder.load(total) for position, total in sums.items()}


def _make_convolve_tile(windows: int) -> Any:
    """Return a function that writes the sums of a tile, for which only some lines of the maps count."""

    @no_type_check
    @intrinsic
    def convolve_tile(typing, x, at, row, channel, first, end, w, w_at, c, out, out_at, out_row):
        signature = types.void(x, _INT, _INT, _INT, _INT, _INT, w, _INT, _INT, out, _INT, _INT)

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            _, at, row, channel, first, end, _, w_at, c, _, out_at, out_row = args
            v = Vectors(context, builder, signature.args[0].dtype)
            x, w, out = v.data(signature.args, args, 0, 6, 9)
            sums = _convolve_tile(v, windows, (x, at), (row, channel), (w, w_at), c, lines=(first, end))
            for (y, z), total in sums.items():
                v.store(total, out, v.offset(out_at, (y, out_row), (z, LANES)))
            return context.get_dummy_value()

        return signature, generate

    return convolve_tile


def _make_pool_tile(windows: int) -> Any:
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
            sums = _convolve_tile(v, windows, (x, at), (row, channel), (w, w_at), c)
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


@no_type_check
@intrinsic
def _unpool_row(
    typing, y, dy, at, pixel, activation, winners, winners_at, windows, out, out_at, out_row, bias, bias_at
):
    """Write a row of pooled gradients to the pixels that won, and add their sum to a bias's gradient.

    ``y`` and ``dy`` are the pooled pixels and their gradients, in one order.
    """
    signature = types.void(y, dy, _INT, _INT, _INT, winners, _INT, _INT, out, _INT, _INT, bias, _INT)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, _, at, pixel, activation, _, winners_at, windows, _, out_at, out_row, _, bias_at = args
        v = Vectors(context, builder, signature.args[0].dtype)
        y, dy, winners, out, bias = v.data(signature.args, args, 0, 1, 5, 8, 11)
        (total,) = v.sums(1)
        zero = v.constant(0.0)
        with cgutils.for_range(builder, windows, intp=windows.type) as loop:
            pixel_at = builder.add(at, builder.mul(loop.index, pixel))
            gradient = v.derive(v.load(dy, pixel_at), v.load(y, pixel_at), activation)
            winner = v.load_bytes(winners, v.offset(winners_at, (LANES, loop.index)))
            first = v.offset(out_at, (2 * LANES, loop.index))
            for number in range(4):
                wins = builder.icmp_unsigned("==", winner, v.bytes(number))
                target = v.offset(first, (number // 2, out_row), (number % 2, LANES))
                v.store(builder.select(wins, gradient, zero), out, target)
            builder.store(builder.fadd(builder.load(total), gradient), total)
        v.store(builder.fadd(v.load(bias, bias_at), builder.load(total)), bias, bias_at)
        return context.get_dummy_value()

    return signature, generate


@no_type_check
@intrinsic
def _add_filter_gradient(typing, x, x_at, x_row, d, d_at, d_row, rows, columns, out, out_at):
    """Add the products of a map's gradient and the pixels that each weight of a filter meets."""
    signature = types.void(x, _INT, _INT, d, _INT, _INT, _INT, _INT, out, _INT)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, x_at, x_row, _, d_at, d_row, rows, columns, _, out_at = args
        v = Vectors(context, builder, signature.args[0].dtype)
        x, d, out = v.data(signature.args, args, 0, 3, 8)
        for first in range(0, KERNEL, _TAP_ROWS):
            taps = list(product(range(first, first + _TAP_ROWS), range(KERNEL)))
            sums = dict(zip(taps, v.sums(len(taps)), strict=True))

            def add_tile(
                d_start: Any, x_start: Any, width: int, sums: dict[tuple[int, int], Any] = sums
            ) -> None:
                gradients = [v.load(d, v.offset(d_start, (z, LANES))) for z in range(width)]
                for z, i in product(range(width + KERNEL - 1), sorted({i for i, _ in sums})):
                    pixel = v.load(x, v.offset(x_start, (i, x_row), (z, LANES)))
                    for j in range(max(0, z - width + 1), min(KERNEL, z + 1)):
                        v.add_product(gradients[z - j], pixel, sums[i, j])

            with cgutils.for_range(builder, rows, intp=rows.type) as line:
                d_line = builder.add(d_at, builder.mul(line.index, d_row))
                x_line = builder.add(x_at, builder.mul(line.index, x_row))
                width = ir.Constant(columns.type, _GRADIENT_COLUMNS)
                tiles = builder.sdiv(columns, width)
                with cgutils.for_range(builder, tiles, intp=columns.type) as tile:
                    start = builder.mul(tile.index, ir.Constant(columns.type, _GRADIENT_COLUMNS * LANES))
                    add_tile(builder.add(d_line, start), builder.add(x_line, start), _GRADIENT_COLUMNS)
                done = builder.mul(tiles, width)
                with builder.if_then(builder.icmp_signed("<", done, columns)):
                    start = builder.mul(done, ir.Constant(columns.type, LANES))
                    add_tile(builder.add(d_line, start), builder.add(x_line, start), 2)
            for (i, j), total in sums.items():
                target = v.offset(out_at, (i * KERNEL + j, LANES))
                v.store(builder.fadd(v.load(out, target), builder.load(total)), out, target)
        return context.get_dummy_value()

    return signature, generate


_pool_windows, _pool_window = _make_pool_tile(_WINDOWS), _make_pool_tile(1)
_convolve_windows, _convolve_window = _make_convolve_tile(_WINDOWS), _make_convolve_tile(1)


@no_type_check
@njit(cache=True, error_model="numpy")
def convolve_and_pool(x, filters, biases, groups, activation, out, strides, rows, winners):
    """Convolve, take the maximum over windows of 2x2 pixels, add biases, and activate.

    Args:
        x: maps [block, groups x c, y, z, lane]; each group of filters sees the channels of one group.
        filters: [G, o, c, i, j].
        biases: [G, o].
        groups: groups of the channels of ``x``.
        activation: number of the activation.
        out: pooled pixels in any order of axes, as an array of one axis.
        strides: strides of ``out`` for block, G, strip, o, row of a strip and q.
        rows: pooled rows of a strip.
        winners: number of the pixel from which each maximum comes: [block, G, o, p, q, lane].
    """
    blocks, G, o, P, Q, _ = winners.shape
    c, height, width = filters.shape[2], x.shape[2], x.shape[3]
    row, channel, pixel = width * LANES, height * width * LANES, strides[5]
    # A strip of all blocks is adjacent in ``out``, and is written while it is in the cache.
    for g in range(G):
        for start in range(0, P, rows):
            for block in range(blocks):
                first = (block * x.shape[1] + g * groups // G * c) * channel
                for f in range(o):
                    bias, weights = biases[g, f], (g * o + f) * c * KERNEL * KERNEL
                    for p in range(start, min(start + rows, P)):
                        at = first + 2 * p * row
                        target = block * strides[0] + g * strides[1] + p // rows * strides[2]
                        target += f * strides[3] + p % rows * strides[4]
                        winner = (((block * G + g) * o + f) * P + p) * Q * LANES
                        q = 0
                        while q + _WINDOWS <= Q:
                            _pool_windows(
                                x, at + 2 * q * LANES, row, channel, filters, weights, c, bias, activation,
                                out, target + q * pixel, pixel, winners, winner + q * LANES,
                            )  # fmt: skip
                            q += _WINDOWS
                        if q < Q:
                            _pool_window(
                                x, at + 2 * q * LANES, row, channel, filters, weights, c, bias, activation,
                                out, target + q * pixel, pixel, winners, winner + q * LANES,
                            )  # fmt: skip


@no_type_check
@njit(cache=True, error_model="numpy")
def _write_input_gradient(d, filters, weights, o, dx, start, row, P, Q):
    """Write the gradient of one map, from that of the maps of its group with their borders."""
    border = KERNEL - 1
    d_row, d_map = d.shape[2] * LANES, d.shape[1] * d.shape[2] * LANES
    for y in range(0, 2 * P + border, 2):
        first_line, end_line = border - y, border + 2 * P - y
        target = start + y * row
        z, end = 0, 2 * Q + border
        while z + 2 * _WINDOWS <= end:
            _convolve_windows(
                d, y * d_row + z * LANES, d_row, d_map, first_line, end_line, filters, weights, o,
                dx, target + z * LANES, row,
            )  # fmt: skip
            z += 2 * _WINDOWS
        if z < end:
            _convolve_window(
                d, y * d_row + z * LANES, d_row, d_map, first_line, end_line, filters, weights, o,
                dx, target + z * LANES, row,
            )  # fmt: skip


@no_type_check
@njit(cache=True, error_model="numpy")
def add_gradients(
    x, filters, groups, activation, out, d_out, strides, rows, winners, has_input, d, dx, d_filters, d_biases
):
    """Add the gradients of ``convolve_and_pool``.

    Args:
        x: as above.
        filters: rotated by half a turn: [G, c, o, i, j].
        groups: as above.
        activation: as above.
        out: as above.
        d_out: gradient of ``out``, in the same order.
        strides: as above.
        rows: as above.
        winners: as above.
        has_input: True to compute the gradient of ``x``; each channel is then seen by one group of filters.
        d: work array of zeros: gradient of a group's maps, with a border: [o, 2 P + 8, 2 Q + 8, lane].
        dx: gradient of ``x``; it is written where the filters cover ``x``, the rest must be 0.
        d_filters: gradient of the filters to add to: [G, o, c, i, j, lane].
        d_biases: gradient of the biases to add to: [G, o, lane].
    """
    blocks, G, o, P, Q, _ = winners.shape
    c, height, width = filters.shape[1], x.shape[2], x.shape[3]
    row, channel, taps, border = width * LANES, height * width * LANES, KERNEL * KERNEL, KERNEL - 1
    d_row, d_map = d.shape[2] * LANES, d.shape[1] * d.shape[2] * LANES
    inside = border * d_row + border * LANES
    lines = P if has_input else rows
    for g in range(G):
        for start in range(0, P, lines):
            for block in range(blocks):
                first = (block * x.shape[1] + g * groups // G * c) * channel
                for f in range(o):
                    for p in range(start, min(start + lines, P)):
                        at = block * strides[0] + g * strides[1] + p // rows * strides[2]
                        at += f * strides[3] + p % rows * strides[4]
                        winner = (((block * G + g) * o + f) * P + p) * Q * LANES
                        # Without the gradient of x, two lines of d are used all the time and stay cached.
                        target = inside + (f * d_map + 2 * p * d_row if has_input else 0)
                        _unpool_row(
                            out, d_out, at, strides[5], activation, winners, winner, Q, d, target, d_row,
                            d_biases, (g * o + f) * LANES,
                        )  # fmt: skip
                        if not has_input:
                            for k in range(c):
                                _add_filter_gradient(
                                    x, first + k * channel + 2 * p * row, row, d, target, d_row, 2, 2 * Q,
                                    d_filters, ((g * o + f) * c + k) * taps * LANES,
                                )  # fmt: skip
                    if has_input:
                        for k in range(c):
                            _add_filter_gradient(
                                x, first + k * channel, row, d, f * d_map + inside, d_row, 2 * P, 2 * Q,
                                d_filters, ((g * o + f) * c + k) * taps * LANES,
                            )  # fmt: skip
                if has_input:
                    for k in range(c):
                        weights = (g * c + k) * o * taps
                        _write_input_gradient(d, filters, weights, o, dx, first + k * channel, row, P, Q)


@no_type_check
@njit(cache=True, error_model="numpy")
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
