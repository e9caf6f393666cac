"""Gradients of a convolution with maximum pooling, from all pixels of the maps.

Axes and arrays as in ``vector_convolution``: a vector holds one pixel of many images.
"""

from __future__ import annotations

from itertools import product
from typing import Any, no_type_check

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from scaling.models.vector_convolution import KERNEL, WINDOWS, convolve_tile
from scaling.models.vector_instructions import HAS_WIDE_REGISTERS, LANES, Vectors
from scaling.models.vector_kernels import inner_kernel, kernel
from scaling.models.vector_pairs import is_of_pairs

_TAP_ROWS = KERNEL if HAS_WIDE_REGISTERS else 1
"""Rows of a filter whose gradients are computed at once."""
_GRADIENT_COLUMNS = 4
"""Columns of a map whose gradients are in registers at once."""
_INT = types.int64


def _make_convolve_tile(windows: int) -> Any:
    """Return a function that writes the sums of a tile, for which only some lines of the maps count."""

    @no_type_check
    @intrinsic
    def convolve_lines(typing, x, at, row, channel, first, end, w, w_at, c, out, out_at, out_row):
        signature = types.void(x, _INT, _INT, _INT, _INT, _INT, w, _INT, _INT, out, _INT, _INT)

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            _, at, row, channel, first, end, _, w_at, c, _, out_at, out_row = args
            v = Vectors(context, builder, signature.args[0].dtype)
            x, w, out = v.data(signature.args, args, 0, 6, 9)
            sums = convolve_tile(v, windows, (x, at), (row, channel), (w, w_at), c, lines=(first, end))
            for (_, y, z), total in sums.items():
                v.store(total, out, v.offset(out_at, (y, out_row), (z, LANES)))
            return context.get_dummy_value()

        return signature, generate

    return convolve_lines


@no_type_check
@intrinsic
def _unpool_row(
    typing, x, y, dy, at, pixel, activation, winners, winners_at, windows, out, out_at, out_row,
    bias, bias_at,
):  # fmt: skip
    """Write a row of pooled gradients to the pixels that won, and add their sum to a bias's gradient.

    If ``x`` holds pairs of bf16 numbers, write one pair for each row of a window.
    """
    signature = types.void(x, y, dy, _INT, _INT, _INT, winners, _INT, _INT, out, _INT, _INT, bias, _INT)
    has_pairs = is_of_pairs(x)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, _, _, at, pixel, activation, _, winners_at, windows, _, out_at, out_row, _, bias_at = args
        v = Vectors(context, builder, signature.args[1].dtype)
        y, dy, winners, out, bias = v.data(signature.args, args, 1, 2, 6, 9, 12)
        (total,) = v.sums(1)
        with cgutils.for_range(builder, windows, intp=windows.type) as loop:
            pixel_at = builder.add(at, builder.mul(loop.index, pixel))
            gradient = v.derive(v.load(dy, pixel_at), v.load(y, pixel_at), activation)
            winner = v.load_bytes(winners, v.offset(winners_at, (LANES, loop.index)))
            wins = [builder.icmp_unsigned("==", winner, v.bytes(number)) for number in range(4)]
            if has_pairs:
                _store_pairs(v, gradient, wins, out, v.offset(out_at, (LANES, loop.index)), out_row)
            else:
                first = v.offset(out_at, (2 * LANES, loop.index))
                for number, is_winner in enumerate(wins):
                    target = v.offset(first, (number // 2, out_row), (number % 2, LANES))
                    v.store(builder.select(is_winner, gradient, v.constant(0.0)), out, target)
            builder.store(builder.fadd(builder.load(total), gradient), total)
        v.store(builder.fadd(v.load(bias, bias_at), builder.load(total)), bias, bias_at)
        return context.get_dummy_value()

    return signature, generate


def _store_pairs(v: Vectors, gradient: Any, wins: list[Any], out: Any, at: Any, row: Any) -> None:
    """Store the pairs of a window's two rows."""
    builder = v.builder
    left = v.round_to_bf16(gradient)
    right, zero = v.upper_half(left), ir.Constant(left.type, [0] * LANES)
    for y in range(2):
        pair = builder.select(wins[2 * y], left, builder.select(wins[2 * y + 1], right, zero))
        v.store(builder.bitcast(pair, v.type), out, v.offset(at, (y, row)))


@no_type_check
@intrinsic
def _add_filter_gradient(typing, x, x_at, x_row, d, d_at, d_row, rows, windows, out, out_at):
    """Add the products of a map's gradient and the pixels that each weight meets.

    If ``x`` holds pairs of bf16 numbers, so does the gradient, one for each row of a window.
    """
    signature = types.void(x, _INT, _INT, d, _INT, _INT, _INT, _INT, out, _INT)
    has_pairs = is_of_pairs(x)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, x_at, x_row, _, d_at, d_row, rows, windows, _, out_at = args
        v = Vectors(context, builder, signature.args[8].dtype)
        x, d, out = v.data(signature.args, args, 0, 3, 8)
        columns = windows if has_pairs else builder.add(windows, windows)
        for first in range(0, KERNEL, _TAP_ROWS):
            taps = list(product(range(first, first + _TAP_ROWS), range(KERNEL)))
            sums = dict(zip(taps, v.sums(len(taps)), strict=True))
            with cgutils.for_range(builder, rows, intp=rows.type) as line:
                d_line = builder.add(d_at, builder.mul(line.index, d_row))
                x_line = builder.add(x_at, builder.mul(line.index, x_row))
                _add_line(v, (d, d_line), (x, x_line, x_row), columns, sums, has_pairs)
            for (i, j), total in sums.items():
                target = v.offset(out_at, (i * KERNEL + j, LANES))
                v.store(builder.fadd(v.load(out, target), builder.load(total)), out, target)
        return context.get_dummy_value()

    return signature, generate


def _add_line(
    v: Vectors, gradients: Any, maps: Any, columns: Any, sums: dict[tuple[int, int], Any], has_pairs: bool
) -> None:
    """Add the products of a line of a map's gradient to the sums by (row, column) of the filter.

    Args:
        v: vector instructions.
        gradients: data of the map's gradient, and offset of the line.
        maps: data of the map, offset of the line that row 0 of the filter meets, and stride of a line.
        columns: number of columns of the gradient, or of pairs of them.
        sums: variables to add to.
        has_pairs: True if the gradient and the map are pairs of bf16 numbers.
    """
    builder, (d, d_at), (x, x_at, x_row) = v.builder, gradients, maps
    step, narrow = (2, 1) if has_pairs else (1, 2)
    add_product = v.add_pair_products if has_pairs else v.add_product
    for width in (_GRADIENT_COLUMNS, narrow):
        tiles = builder.sdiv(columns, ir.Constant(columns.type, width))
        with cgutils.for_range(builder, tiles, intp=columns.type) as tile:
            d_start = v.offset(d_at, (width * LANES, tile.index))
            x_start = v.offset(x_at, (step * width * LANES, tile.index))
            numbers = [v.load(d, v.offset(d_start, (n, LANES))) for n in range(width)]
            pixels = range(step * (width - 1) + KERNEL)
            for z, i in product(pixels, sorted({i for i, _ in sums})):
                pixel = v.load(x, v.offset(x_start, (i, x_row), (z, LANES)))
                for n, number in enumerate(numbers):
                    if 0 <= z - step * n < KERNEL:
                        add_product(number, pixel, sums[i, z - step * n])
        d_at = v.offset(d_at, (width * LANES, tiles))
        x_at = v.offset(x_at, (step * width * LANES, tiles))
        columns = v.offset(columns, (-width, tiles))


_convolve_windows, _convolve_window = _make_convolve_tile(WINDOWS), _make_convolve_tile(1)


@no_type_check
@inner_kernel
def _write_input_gradient(d, filters, weights, o, dx, start, row, P, Q):
    """Write the gradient of one map, from that of the maps of its group with their borders."""
    border = KERNEL - 1
    d_row, d_map = d.shape[2] * LANES, d.shape[1] * d.shape[2] * LANES
    for y in range(0, 2 * P + border, 2):
        first_line, end_line = border - y, border + 2 * P - y
        target = start + y * row
        z, end = 0, 2 * Q + border
        while z + 2 * WINDOWS <= end:
            _convolve_windows(
                d, y * d_row + z * LANES, d_row, d_map, first_line, end_line, filters, weights, o,
                dx, target + z * LANES, row,
            )  # fmt: skip
            z += 2 * WINDOWS
        if z < end:
            _convolve_window(
                d, y * d_row + z * LANES, d_row, d_map, first_line, end_line, filters, weights, o,
                dx, target + z * LANES, row,
            )  # fmt: skip


@no_type_check
@kernel
def add_gradients(
    x, filters, groups, activation, out, d_out, strides, rows, winners, has_input, d, dx,
    d_filters, d_biases, first_group, end_group,
):  # fmt: skip
    """Add the gradients of ``vector_convolution.convolve_and_pool``.

    Args:
        x, groups, activation, out, strides, rows, winners, first_group, end_group: as there.
            ``x`` may hold pairs of columns, which give no gradient of ``x``.
        filters: rotated by half a turn: [G, c, o, i, j].
        d_out: gradient of ``out``, in the same order.
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
    for g in range(first_group, end_group):
        for start in range(0, P, lines):
            for block in range(blocks):
                first = (block * x.shape[1] + g % groups * c) * channel
                for f in range(o):
                    for p in range(start, min(start + lines, P)):
                        at = block * strides[0] + (g - first_group) * strides[1] + p // rows * strides[2]
                        at += f * strides[3] + p % rows * strides[4]
                        winner = (((block * G + g) * o + f) * P + p) * Q * LANES
                        # Without the gradient of x, two lines of d are used all the time and stay cached.
                        target = inside + (f * d_map + 2 * p * d_row if has_input else 0)
                        _unpool_row(
                            x, out, d_out, at, strides[5], activation, winners, winner, Q, d, target, d_row,
                            d_biases, (g * o + f) * LANES,
                        )  # fmt: skip
                        if not has_input:
                            for k in range(c):
                                _add_filter_gradient(
                                    x, first + k * channel + 2 * p * row, row, d, target, d_row, 2, Q,
                                    d_filters, ((g * o + f) * c + k) * taps * LANES,
                                )  # fmt: skip
                    if has_input:
                        for k in range(c):
                            _add_filter_gradient(
                                x, first + k * channel, row, d, f * d_map + inside, d_row, 2 * P, Q,
                                d_filters, ((g * o + f) * c + k) * taps * LANES,
                            )  # fmt: skip
                if has_input:
                    for k in range(c):
                        weights = (g * c + k) * o * taps
                        _write_input_gradient(d, filters, weights, o, dx, first + k * channel, row, P, Q)
