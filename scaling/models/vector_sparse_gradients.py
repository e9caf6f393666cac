"""Gradients of a convolution with maximum pooling, from the pixels that won a window.

Only one of the four pixels of a window has a gradient, and none where the ReLU is closed. Which one it is
differs between images: with images as lanes, all four are multiplied, three of them by 0. Here a vector holds
adjacent weights of a row of a filter instead, those of all columns and channels, and each gradient other than
0 is multiplied once. That pays from some channels on: a row of few weights fills no vector.

Axes as in ``vector_convolution``. Maps of one image are [y, z, c] here, and filters are [i, (j c)], with rows
that zeros fill up to whole vectors.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, no_type_check

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from scaling.models.vector_convolution import KERNEL
from scaling.models.vector_instructions import HAS_WIDE_REGISTERS, LANES, Vectors
from scaling.models.vector_kernels import inner_kernel, kernel

_WIDE = 4 if HAS_WIDE_REGISTERS else 2
"""Most vectors of each row of a filter that are in registers at once."""
_DOUBLE, _SINGLE = 2, 1
_INT = types.int64


@no_type_check
@intrinsic
def _gather_tile(typing, x, at, offsets, first, out, out_at, out_row):
    """Copy pixels of all images of a block to rows, one for each image."""
    signature = types.void(x, _INT, offsets, _INT, out, _INT, _INT)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, at, _, first, _, out_at, out_row = args
        v = Vectors(context, builder, signature.args[0].dtype)
        x, offsets, out = v.data(signature.args, args, 0, 2, 4)
        positions = [builder.load(builder.gep(offsets, [v.offset(first, (n, 1))])) for n in range(LANES)]
        vectors = [v.load(x, builder.add(at, position)) for position in positions]
        for n, vector in enumerate(v.transpose(vectors)):
            v.store(vector, out, v.offset(out_at, (n, out_row)))
        return context.get_dummy_value()

    return signature, generate


@no_type_check
@intrinsic
def _scatter_tile(typing, rows, rows_at, row, offsets, first, out, at):
    """Copy rows, one for each image, to pixels of all images of a block."""
    signature = types.void(rows, _INT, _INT, offsets, _INT, out, _INT)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, rows_at, row, _, first, _, at = args
        v = Vectors(context, builder, signature.args[0].dtype)
        rows, offsets, out = v.data(signature.args, args, 0, 3, 5)
        vectors = [v.load(rows, v.offset(rows_at, (n, row))) for n in range(LANES)]
        for n, vector in enumerate(v.transpose(vectors)):
            position = builder.load(builder.gep(offsets, [v.offset(first, (n, 1))]))
            v.store(vector, out, builder.add(at, position))
        return context.get_dummy_value()

    return signature, generate


@no_type_check
@intrinsic
def _derive_row(
    typing, y, dy, at, pixel, activation, winners, winners_at, windows, start, right, down,
    values, positions, out_at, bias, bias_at,
):  # fmt: skip
    """Write the gradients before the activation and the positions of the winners of a row of windows.

    The sum of the gradients is added to a bias's gradient.
    """
    signature = types.void(
        y, dy, _INT, _INT, _INT, winners, _INT, _INT, _INT, _INT, _INT, values, positions, _INT, bias, _INT
    )

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, _, at, pixel, activation, _, winners_at, windows, start, right, down, _, _, out_at, _, bias_at = (
            args
        )
        v = Vectors(context, builder, signature.args[0].dtype)
        y, dy, winners, values, positions, bias = v.data(signature.args, args, 0, 1, 5, 11, 12, 14)
        number = ir.FloatType() if v.bits == 32 else ir.DoubleType()
        start, right, down = (builder.sitofp(n, number) for n in (start, right, down))
        right_step, down_step = v.broadcast(right), v.broadcast(down)
        (total,) = v.sums(1)
        with cgutils.for_range(builder, windows, intp=windows.type) as loop:
            pixel_at = builder.add(at, builder.mul(loop.index, pixel))
            gradient = v.derive(v.load(dy, pixel_at), v.load(y, pixel_at), activation)
            winner = v.load_bytes(winners, v.offset(winners_at, (LANES, loop.index)))
            is_right = builder.icmp_unsigned("!=", builder.and_(winner, v.bytes(1)), v.bytes(0))
            is_down = builder.icmp_unsigned(">", winner, v.bytes(1))
            column = builder.fmul(builder.fadd(right, right), builder.sitofp(loop.index, number))
            position = v.broadcast(builder.fadd(start, column))  # exact: it has less than 24 bits
            zero = v.constant(0.0)
            position = builder.fadd(position, builder.select(is_right, right_step, zero))
            position = builder.fadd(position, builder.select(is_down, down_step, zero))
            target = v.offset(out_at, (LANES, loop.index))
            v.store(gradient, values, target)
            v.store(position, positions, target)
            builder.store(builder.fadd(builder.load(total), gradient), total)
        v.store(builder.fadd(v.load(bias, bias_at), builder.load(total)), bias, bias_at)
        return context.get_dummy_value()

    return signature, generate


@no_type_check
@intrinsic
def _list_gradients(typing, values, positions, at, count, out_values, out_positions, first):
    """Append the gradients that are not 0, NaN among them, to a list, and return its new length.

    Numbers may be read after the last one, and written after the list's end: as many as fill a vector.
    """
    signature = _INT(values, positions, _INT, _INT, out_values, out_positions, _INT)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, _, at, count, _, _, first = args
        v = Vectors(context, builder, signature.args[0].dtype)
        values, positions, out_values, out_positions = v.data(signature.args, args, 0, 1, 4, 5)
        length = cgutils.alloca_once_value(builder, first)
        step = LANES if v.can_compress else 1
        steps = builder.sdiv(v.offset(count, (1, step - 1)), ir.Constant(count.type, step))
        with cgutils.for_range(builder, steps, intp=count.type) as loop:
            start, target = v.offset(at, (step, loop.index)), builder.load(length)
            if v.can_compress:
                done = builder.mul(ir.Constant(count.type, step), loop.index)
                left = builder.trunc(builder.sub(count, done), ir.IntType(32))
                numbers = v.load(values, start)
                is_listed = builder.fcmp_unordered("!=", numbers, v.constant(0.0))
                is_listed = builder.and_(is_listed, v.is_before(left))
                places = v.to_integers(v.load(positions, start))
                v.store(v.compress(numbers, is_listed), out_values, target)
                v.store(v.compress(places, is_listed), out_positions, target)
                listed = v.count(is_listed, target.type)
            else:
                value = builder.load(builder.gep(values, [start]))
                place = builder.fptosi(builder.load(builder.gep(positions, [start])), ir.IntType(32))
                builder.store(value, builder.gep(out_values, [target]))
                builder.store(place, builder.gep(out_positions, [target]))
                listed = builder.zext(builder.fcmp_unordered("!=", value, value.type(0.0)), target.type)
            builder.store(builder.add(target, listed), length)
        return builder.load(length)

    return signature, generate


def _patch(v: Vectors, vectors: int, start: Any, row: Any) -> list[Any]:
    """Return the offsets of a patch's vectors."""
    return [v.offset(start, (i, row), (n, LANES)) for i, n in product(range(KERNEL), range(vectors))]


def _columns(v: Vectors, length: Any) -> Iterator[tuple[int, Any]]:
    """Add loops over the columns of a row of a filter; yield the number of vectors and the first column."""
    column = ir.Constant(length.type, 0)
    for vectors in (_WIDE, _DOUBLE, _SINGLE):
        width = ir.Constant(length.type, vectors * LANES)
        tiles = v.builder.sdiv(v.builder.sub(length, column), width)
        with cgutils.for_range(v.builder, tiles, intp=length.type) as loop:
            yield vectors, v.builder.add(column, v.builder.mul(width, loop.index))
        column = v.builder.add(column, v.builder.mul(width, tiles))


@no_type_check
@intrinsic
def _add_patches(typing, x, at, row, values, positions, first, count, out, out_at, length):
    """Add patches, times gradients, to a filter's gradient, whose rows are ``length`` numbers."""
    signature = types.void(x, _INT, _INT, values, positions, _INT, _INT, out, _INT, _INT)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, at, row, _, _, first, count, _, out_at, length = args
        v = Vectors(context, builder, signature.args[0].dtype)
        x, values, positions, out = v.data(signature.args, args, 0, 3, 4, 7)
        for vectors, column in _columns(v, length):
            sums = v.sums(KERNEL * vectors)
            with cgutils.for_range(builder, count, intp=count.type) as loop:
                n = builder.add(first, loop.index)
                gradient = v.load_scalar(values, n)
                position = builder.sext(builder.load(builder.gep(positions, [n])), at.type)
                start = builder.add(builder.add(at, column), position)
                for offset, total in zip(_patch(v, vectors, start, row), sums, strict=True):
                    v.add_product(gradient, v.load(x, offset), total)
            target = builder.add(out_at, column)
            for offset, total in zip(_patch(v, vectors, target, length), sums, strict=True):
                v.store(builder.fadd(v.load(out, offset), builder.load(total)), out, offset)
        return context.get_dummy_value()

    return signature, generate


@no_type_check
@intrinsic
def _add_filters(typing, w, w_at, length, is_weight, values, positions, first, count, out, at, row):
    """Add a filter, whose rows are ``length`` numbers, times gradients, to patches."""
    signature = types.void(w, _INT, _INT, is_weight, values, positions, _INT, _INT, out, _INT, _INT)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, w_at, length, _, _, _, first, count, _, at, row = args
        v = Vectors(context, builder, signature.args[0].dtype)
        w, is_weight, values, positions, out = v.data(signature.args, args, 0, 3, 4, 5, 8)
        for vectors, column in _columns(v, length):
            weights = [v.load(w, offset) for offset in _patch(v, vectors, builder.add(w_at, column), length)]
            last = v.load(is_weight, v.offset(column, (vectors - 1, LANES)))
            is_last_weight = builder.fcmp_ordered(">", last, v.constant(0.0))
            with cgutils.for_range(builder, count, intp=count.type) as loop:
                n = builder.add(first, loop.index)
                gradient = v.load_scalar(values, n)
                # Not even NaN may reach the pixels after a row of the patch.
                last_gradient = builder.select(is_last_weight, gradient, v.constant(0.0))
                position = builder.sext(builder.load(builder.gep(positions, [n])), at.type)
                start = builder.add(builder.add(at, column), position)
                offsets = _patch(v, vectors, start, row)
                for k, (offset, weight) in enumerate(zip(offsets, weights, strict=True)):
                    factor = last_gradient if k % vectors == vectors - 1 else gradient
                    v.store(v.multiply_add(factor, weight, v.load(out, offset)), out, offset)
        return context.get_dummy_value()

    return signature, generate


@no_type_check
@inner_kernel
def _to_rows(x, at, offsets, rows):
    """Copy the pixels at ``offsets`` from ``at`` to rows [lane, pixel]; there are at least LANES pixels."""
    count, done = len(offsets), 0
    while done < count:
        done = min(done, count - LANES)  # the last tile copies some pixels again
        _gather_tile(x, at, offsets, done, rows, done, rows.shape[1])
        done += LANES


@no_type_check
@inner_kernel
def _from_rows(rows, offsets, x, at):
    """Copy rows to pixels: the inverse of ``_to_rows``."""
    count, done = len(offsets), 0
    while done < count:
        done = min(done, count - LANES)
        _scatter_tile(rows, done, rows.shape[1], offsets, done, x, at)
        done += LANES


@no_type_check
@inner_kernel
def _add_filter_gradients(maps, lane, row, values, positions, ends, d_filters, g):
    """Add one image's part of the gradients of a group's filters."""
    o, length = d_filters.shape[1], d_filters.shape[3]
    first, at = 0, lane * maps.shape[1]
    for f in range(o):
        target = (g * o + f) * KERNEL * length
        _add_patches(maps, at, row, values, positions, first, ends[f] - first, d_filters, target, length)
        first = ends[f]


@no_type_check
@inner_kernel
def _add_input_gradients(filters, is_weight, g, values, positions, ends, d_maps, lane, row):
    """Add a group's part of the gradient of one image's maps."""
    o, length = filters.shape[1], filters.shape[3]
    first, at = 0, lane * d_maps.shape[1]
    for f in range(o):
        source, count = (g * o + f) * KERNEL * length, ends[f] - first
        _add_filters(filters, source, length, is_weight, values, positions, first, count, d_maps, at, row)
        first = ends[f]


@no_type_check
@kernel
def add_sparse_gradients(
    x, pixels, filters, is_weight, groups, activation, out, d_out, strides, rows, winners,
    has_input, dx, d_filters, d_biases,
):  # fmt: skip
    """Add the gradients of ``vector_convolution.convolve_and_pool``.

    Args:
        x: maps [block, groups x c, y, z, lane]; group g of filters sees the channels of group g % groups.
        pixels: offsets of a group's pixels in ``x``, in the order [y, z, c]; at least LANES.
        filters: [G, o, i, (j c)], whose rows are filled with zeros; read with ``has_input`` only.
        is_weight: 1 for each weight of a row of a filter, 0 for each number that fills the row.
        groups: groups of the channels of ``x``.
        activation: number of the activation.
        out: pooled pixels in any order of axes, as an array of one axis.
        d_out: gradient of ``out``, in the same order.
        strides: strides of ``out`` for block, G, strip, o, row of a strip and q.
        rows: pooled rows of a strip.
        winners: number of the pixel from which each maximum comes: [block, G, o, p, q, lane].
        has_input: True to compute the gradient of ``x``; each channel is then seen by one group of filters.
        dx: gradient of ``x``, to be written.
        d_filters: gradient of the filters to add to: [G, o, i, (j c)].
        d_biases: gradient of the biases to add to: [G, o, lane].
    """
    blocks, G, o, P, Q, _ = winners.shape
    height, width = x.shape[2:4]
    c, row = len(pixels) // (height * width), len(pixels) // height
    # The last patch of a map is read and written beyond the map's end.
    maps = np.zeros((LANES, len(pixels) + filters.shape[3]), x.dtype)
    d_maps = np.zeros(maps.shape if has_input else (1, 1), x.dtype)
    windows = np.arange(o * P * Q + -(o * P * Q) % LANES) * LANES
    gradients, places = np.zeros((2, len(windows), LANES), x.dtype)
    gradient_rows, place_rows = np.zeros((2, LANES, len(windows)), x.dtype)
    most = o * P * Q + LANES
    values, positions = np.empty(most, x.dtype), np.empty(most, np.int32)
    ends = np.empty(o, np.int64)
    for block in range(blocks):
        for g in range(G):
            first = (block * groups + g % groups) * c * height * width * LANES
            if g == 0 or groups > 1:
                _to_rows(x, first, pixels, maps)
            for f in range(o):
                for p in range(P):
                    at = block * strides[0] + g * strides[1] + p // rows * strides[2]
                    at += f * strides[3] + p % rows * strides[4]
                    winner = (((block * G + g) * o + f) * P + p) * Q * LANES
                    _derive_row(
                        out, d_out, at, strides[5], activation, winners, winner, Q, 2 * p * row, c, row,
                        gradients, places, (f * P + p) * Q * LANES, d_biases, (g * o + f) * LANES,
                    )  # fmt: skip
            _to_rows(gradients, 0, windows, gradient_rows)
            _to_rows(places, 0, windows, place_rows)
            d_maps[:] = 0
            for lane in range(LANES):
                end = 0
                for f in range(o):
                    start = lane * len(windows) + f * P * Q
                    end = _list_gradients(gradient_rows, place_rows, start, P * Q, values, positions, end)
                    ends[f] = end
                _add_filter_gradients(maps, lane, row, values, positions, ends, d_filters, g)
                if has_input:
                    _add_input_gradients(filters, is_weight, g, values, positions, ends, d_maps, lane, row)
            if has_input:
                _from_rows(d_maps, pixels, dx, first)
