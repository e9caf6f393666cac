"""Products of small matrices whose vectors hold adjacent columns.

Libraries of matrix products are made for large matrices; those of a narrow network are small.

Arrays are contiguous; offsets and strides count elements.
"""

from __future__ import annotations

from typing import Any, no_type_check

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from scaling.models.vector_instructions import HAS_WIDE_REGISTERS, LANES, Vectors
from scaling.models.vector_kernels import inner_kernel, kernel

_ROWS, _COLUMNS = (8, 2) if HAS_WIDE_REGISTERS else (4, 2)
"""Rows, and vectors of columns, that are computed at once; their sums fill the registers."""
_INT = types.int64


def _make_product_tile(rows: int, columns: int) -> Any:
    """Return a function that writes a tile of the product of two matrices ``a`` and ``b``."""

    @no_type_check
    @intrinsic
    def product_tile(typing, a, a_at, a_row, a_column, b, b_at, b_row, length, out, out_at, out_row):
        signature = types.void(a, _INT, _INT, _INT, b, _INT, _INT, _INT, out, _INT, _INT)

        def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            _, a_at, a_row, a_column, _, b_at, b_row, length, _, out_at, out_row = args
            v = Vectors(context, builder, signature.args[0].dtype)
            a, b, out = v.data(signature.args, args, 0, 4, 8)
            sums = v.sums(rows * columns)
            with cgutils.for_range(builder, length, intp=length.type) as loop:
                a_start = builder.add(a_at, builder.mul(loop.index, a_column))
                b_start = builder.add(b_at, builder.mul(loop.index, b_row))
                vectors = [v.load(b, v.offset(b_start, (column, LANES))) for column in range(columns)]
                for row in range(rows):
                    factor = v.load_scalar(a, v.offset(a_start, (row, a_row)))
                    for vector, total in zip(vectors, sums[row * columns :], strict=False):
                        v.add_product(factor, vector, total)
            for number, total in enumerate(sums):
                row, column = divmod(number, columns)
                v.store(builder.load(total), out, v.offset(out_at, (row, out_row), (column, LANES)))
            return context.get_dummy_value()

        return signature, generate

    return product_tile


_tile, _narrow_tile, _row = (
    _make_product_tile(_ROWS, _COLUMNS),
    _make_product_tile(_ROWS, 1),
    _make_product_tile(1, 1),
)


@no_type_check
@inner_kernel
def multiply(a, a_row, a_column, b, out):
    """Multiply batches of matrices.

    Args:
        a: first factors, of any shape whose first axis is the batch.
        a_row: stride of a row in ``a``.
        a_column: stride of a column in ``a``.
        b: second factors: [batch, length, columns], with at least as many columns as lanes.
        out: products: [batch, rows, columns].
    """
    batch, rows, columns = out.shape
    length, size = b.shape[1], a[0].size
    for n in range(batch):
        row = 0
        while row < rows:
            is_full = rows >= _ROWS
            if is_full:
                row = min(row, rows - _ROWS)  # the last tile computes some rows again
            at, target = n * size + row * a_row, (n * rows + row) * columns
            column = 0
            while column < columns:
                start = n * length * columns
                if is_full and column + _COLUMNS * LANES <= columns:
                    _tile(
                        a, at, a_row, a_column, b, start + column, columns, length,
                        out, target + column, columns,
                    )  # fmt: skip
                    column += _COLUMNS * LANES
                    continue
                column = min(column, columns - LANES)
                if is_full:
                    _narrow_tile(
                        a, at, a_row, a_column, b, start + column, columns, length,
                        out, target + column, columns,
                    )  # fmt: skip
                else:
                    _row(
                        a, at, a_row, a_column, b, start + column, columns, length,
                        out, target + column, columns,
                    )  # fmt: skip
                column += LANES
            row += _ROWS if is_full else 1


@no_type_check
@intrinsic
def _transpose_tile(typing, a, a_at, a_row, out, out_at, out_row):
    """Transpose a square of as many rows and columns as lanes."""
    signature = types.void(a, _INT, _INT, out, _INT, _INT)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, a_at, a_row, _, out_at, out_row = args
        v = Vectors(context, builder, signature.args[0].dtype)
        a, out = v.data(signature.args, args, 0, 3)
        rows = [v.load(a, v.offset(a_at, (n, a_row))) for n in range(LANES)]
        for n, row in enumerate(v.transpose(rows)):
            v.store(row, out, v.offset(out_at, (n, out_row)))
        return context.get_dummy_value()

    return signature, generate


@no_type_check
@kernel
def transpose(a, columns, out):
    """Transpose the first columns of each matrix of a batch.

    Args:
        a: matrices: [batch, rows, columns or more].
        columns: columns to transpose.
        out: results: [batch, columns, rows or more]; the numbers after the rows are not written.
    """
    batch, rows, a_row = a.shape
    out_row = out.shape[2]
    for n in range(batch):
        if rows < LANES or columns < LANES:
            for row in range(rows):
                for column in range(columns):
                    out[n, column, row] = a[n, row, column]
            continue
        row = 0
        while row < rows:
            row = min(row, rows - LANES)  # the last tiles are transposed again in part
            column = 0
            while column < columns:
                column = min(column, columns - LANES)
                _transpose_tile(
                    a, (n * rows + row) * a_row + column, a_row,
                    out, (n * columns + column) * out_row + row, out_row,
                )  # fmt: skip
                column += LANES
            row += LANES


@no_type_check
@intrinsic
def _activate_row(typing, x, at, count, bias, activation):
    """Add a bias to a row of vectors, and activate it."""
    signature = types.void(x, _INT, _INT, x.dtype, _INT)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, at, count, bias, activation = args
        v = Vectors(context, builder, signature.args[0].dtype)
        (x,) = v.data(signature.args, args, 0)
        bias = v.broadcast(bias)
        with cgutils.for_range(builder, count, intp=count.type) as loop:
            position = v.offset(at, (LANES, loop.index))
            v.store(v.activate(builder.fadd(v.load(x, position), bias), activation), x, position)
        return context.get_dummy_value()

    return signature, generate


@no_type_check
@intrinsic
def _derive_row(typing, y, dy, at, count, activation):
    """Turn the gradient of an activation's result into that of its argument."""
    signature = types.void(y, dy, _INT, _INT, _INT)

    def generate(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _, _, at, count, activation = args
        v = Vectors(context, builder, signature.args[0].dtype)
        y, dy = v.data(signature.args, args, 0, 1)
        with cgutils.for_range(builder, count, intp=count.type) as loop:
            position = v.offset(at, (LANES, loop.index))
            v.store(v.derive(v.load(dy, position), v.load(y, position), activation), dy, position)
        return context.get_dummy_value()

    return signature, generate


@no_type_check
@kernel
def connect(x, weights, strides, biases, activation, out):
    """Apply fully connected layers.

    Args:
        x: inputs: [G, inputs, image], whose number of images is a multiple of the lanes.
        weights: [G, inputs, units] or [G, units, inputs].
        strides: strides of the weights for inputs and for units.
        biases: [G, units].
        activation: number of the activation.
        out: results: [G, units, image].
    """
    G, units, images = out.shape
    multiply(weights, strides[1], strides[0], x, out)
    for g in range(G):
        for unit in range(units):
            _activate_row(out, (g * units + unit) * images, images // LANES, biases[g, unit], activation)


@no_type_check
@kernel
def connect_gradients(
    x, weights, strides, activation, out, d_out, images, transposed, has_input, dx, d_weights, d_biases
):
    """Compute the gradients of ``connect``.

    Args:
        x: as above.
        weights: as above.
        strides: as above.
        activation: as above.
        out: as above.
        d_out: gradient of ``out``; it is replaced by the gradient before the activation.
        images: number of images; the other lanes do not count.
        transposed: work array: [G, images, units, or lanes if there are fewer].
        has_input: True to compute the gradient of ``x``.
        dx: gradient of ``x``.
        d_weights: gradient of the weights: [G, inputs, units, or lanes if there are fewer].
        d_biases: gradient of the biases: [G, units].
    """
    G, units, lanes = out.shape
    for g in range(G):
        for unit in range(units):
            _derive_row(out, d_out, (g * units + unit) * lanes, lanes // LANES, activation)
            total = d_out[g, unit, 0]
            for image in range(1, images):
                total += d_out[g, unit, image]
            d_biases[g, unit] = total
        for unit in range(units, transposed.shape[2]):
            for image in range(images):
                transposed[g, image, unit] = 0
    transpose(d_out, images, transposed)
    multiply(x, lanes, 1, transposed, d_weights)
    if has_input:
        multiply(weights, strides[0], strides[1], d_out, dx)
