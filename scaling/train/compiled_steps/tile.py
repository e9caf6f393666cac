"""Vectors with one number for each of eight replicas, as a type of numba.

A tile is a short row of such vectors that the processor keeps in registers. numba has no vector type, and the
compiler finds vector instructions in a loop over eight replicas only now and then.

A product and a sum are one instruction where the processor has one for both; no sum is reordered. NaN stays
in its lane, because no operation combines two lanes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from math import factorial, log
from typing import Any, Final

from llvmlite import ir
from numba import types
from numba.extending import intrinsic, models, register_model

LANES: Final = 8
"""Number of replicas that are computed at once."""
_MANTISSA_BITS = {32: 23, 64: 52}
_POWERS = {32: 7, 64: 13}
"""Highest power of the Taylor series of exp(x) - 1 within half of ln(2), up to the rounding error."""
_LN2 = {32: (710 / 2**10, -2.1219444005469058e-4), 64: (2977044472 / 2**32, -4.2009150726810847e-11)}
"""Two parts of ln(2). The first one has so few bits that its products with small integers are exact."""


class Tile(types.Type):
    """Type of a row of ``count`` vectors, with one number of ``dtype`` for each lane."""

    def __init__(self, dtype: Any, count: int) -> None:
        self.dtype, self.count = dtype, count
        super().__init__(name=f"Tile({dtype}, {count})")


@register_model(Tile)
class _TileModel(models.PrimitiveModel):
    def __init__(self, manager: Any, tile: Tile) -> None:
        number = ir.FloatType() if tile.dtype.bitwidth == 32 else ir.DoubleType()
        row = ir.ArrayType(ir.VectorType(number, LANES), tile.count)
        super().__init__(manager, tile, row)  # type: ignore[no-untyped-call]


def _rows(builder: Any, tile: Tile, value: Any, count: int) -> list[Any]:
    """Return the vectors of a tile; those of a tile of one vector are repeated ``count`` times."""
    if tile.count not in (1, count):
        raise TypeError(f"{tile} next to {count} vectors")
    return [builder.extract_value(value, row if tile.count > 1 else 0) for row in range(count)]


def _collect(builder: Any, rows: list[Any]) -> Any:
    tile = ir.Constant(ir.ArrayType(rows[0].type, len(rows)), ir.Undefined)
    for row, vector in enumerate(rows):
        tile = builder.insert_value(tile, vector, row)
    return tile


def _pointers(context: Any, builder: Any, array: Any, value: Any, index: Any, step: Any, count: int) -> Any:
    """Yield pointers to the vectors ``index``, ``index + step`` and so on of an array [vectors, LANES]."""
    data = context.make_array(array)(context, builder, value).data
    vector = ir.VectorType(context.get_value_type(array.dtype), LANES)
    for row in range(count):
        place = builder.add(index, builder.mul(step, step.type(row)))
        first = builder.gep(data, [builder.mul(place, place.type(LANES))])
        yield builder.bitcast(first, vector.as_pointer())


@intrinsic(prefer_literal=True)
def zeros(typing: Any, array: types.Array, count: types.IntegerLiteral) -> Any:
    """Return a tile of zeros with the array's type of numbers."""
    tile = Tile(array.dtype, count.literal_value)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return ir.Constant(context.get_value_type(tile), None)

    return tile(array, count), generate


@intrinsic
def load(typing: Any, like: Tile, array: types.Array, index: types.Integer, step: types.Integer) -> Any:
    """Return a tile like another one, from the vectors ``index``, ``index + step`` and so on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        _, value, index, step = arguments
        pointers = _pointers(context, builder, array, value, index, step, like.count)
        align = like.dtype.bitwidth // 8
        return _collect(builder, [builder.load(pointer, align=align) for pointer in pointers])

    return like(like, array, types.intp, types.intp), generate


@intrinsic
def store(typing: Any, tile: Tile, array: types.Array, index: types.Integer, step: types.Integer) -> Any:
    """Write a tile to the vectors ``index``, ``index + step`` and so on."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value, target, index, step = arguments
        rows = _rows(builder, tile, value, tile.count)
        pointers = _pointers(context, builder, array, target, index, step, tile.count)
        for row, pointer in zip(rows, pointers, strict=True):
            builder.store(row, pointer, align=tile.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(tile, array, types.intp, types.intp), generate


@intrinsic
def fill(typing: Any, like: Tile, number: types.Number) -> Any:
    """Return a tile like another one in which all numbers are equal."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        vector = _splat(builder, arguments[1])
        return _collect(builder, [vector] * like.count)

    return like(like, like.dtype), generate


@intrinsic
def count(typing: Any, tile: Tile) -> Any:
    """Return the number of vectors of a tile."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.get_constant(types.intp, tile.count)

    return types.intp(tile), generate


@intrinsic
def total(typing: Any, tile: Tile) -> Any:
    """Return the sum of the vectors of a tile, as a tile of one vector."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return _collect(builder, [reduce(builder.fadd, _rows(builder, tile, arguments[0], tile.count))])

    return Tile(tile.dtype, 1)(tile), generate


def _splat(builder: Any, number: Any) -> Any:
    vector = ir.Constant(ir.VectorType(number.type, LANES), ir.Undefined)
    for lane in range(LANES):
        vector = builder.insert_element(vector, number, ir.Constant(ir.IntType(32), lane))
    return vector


def _elementwise(compute: Callable[..., Any], *tiles: Tile) -> Any:
    """Return the signature and the code of an operation that computes each vector alone."""
    largest = max(tiles, key=lambda tile: tile.count)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        rows = [
            _rows(builder, tile, value, largest.count) for tile, value in zip(tiles, arguments, strict=True)
        ]
        return _collect(builder, [compute(builder, *vectors) for vectors in zip(*rows, strict=True)])

    return largest(*tiles), generate


@intrinsic
def add(typing: Any, x: Tile, y: Tile) -> Any:
    """Return x + y."""
    return _elementwise(lambda builder, *values: builder.fadd(*values), x, y)


@intrinsic
def subtract(typing: Any, x: Tile, y: Tile) -> Any:
    """Return x - y."""
    return _elementwise(lambda builder, *values: builder.fsub(*values), x, y)


@intrinsic
def multiply(typing: Any, x: Tile, y: Tile) -> Any:
    """Return x y."""
    return _elementwise(lambda builder, *values: builder.fmul(*values), x, y)


@intrinsic
def multiply_add(typing: Any, x: Tile, y: Tile, z: Tile) -> Any:
    """Return x y + z."""
    return _elementwise(_multiply_add, x, y, z)


@intrinsic
def tanh(typing: Any, x: Tile) -> Any:
    """Return the hyperbolic tangent, from exp(2 x) - 1."""

    def compute(builder: Any, x: Any) -> Any:
        # From here on, 1 - tanh(x) is below half a unit of the last place.
        limit = 10.0 if x.type.element == ir.FloatType() else 20.0
        growth = _expm1(builder, _clamp(builder, builder.fadd(x, x), 2 * limit))
        return builder.fdiv(growth, builder.fadd(growth, _constant(x, 2.0)))

    return _elementwise(compute, x)


@intrinsic
def sigmoid(typing: Any, x: Tile) -> Any:
    """Return the logistic function 1 / (1 + exp(-x))."""

    def compute(builder: Any, x: Any) -> Any:
        # exp(-x) must not overflow. At the limit, 1 / exp(-x) is a denormal, which training takes for 0.
        limit = 88.0 if x.type.element == ir.FloatType() else 709.0
        growth = _expm1(builder, _clamp(builder, builder.fsub(_constant(x, -0.0), x), limit))
        return builder.fdiv(_constant(x, 1.0), builder.fadd(growth, _constant(x, 2.0)))

    return _elementwise(compute, x)


def _multiply_add(builder: Any, x: Any, y: Any, z: Any) -> Any:
    return _call(builder, "fmuladd", x, y, z)


def _call(builder: Any, name: str, *vectors: Any) -> Any:
    """Call one of LLVM's functions of vectors of one type, which returns one of that type."""
    kind = vectors[0].type
    number = "f32" if kind.element == ir.FloatType() else "f64"
    full_name = f"llvm.{name}.v{LANES}{number}"
    function = builder.module.globals.get(full_name)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(kind, [kind] * len(vectors)), full_name)
    return builder.call(function, vectors)


def _constant(like: Any, number: float) -> Any:
    return ir.Constant(like.type, [ir.Constant(like.type.element, number)] * LANES)


def _clamp(builder: Any, x: Any, limit: float) -> Any:
    """Return x within the limits; NaN stays NaN."""
    high, low = _constant(x, limit), _constant(x, -limit)
    x = builder.select(builder.fcmp_ordered(">", x, high), high, x)
    return builder.select(builder.fcmp_ordered("<", x, low), low, x)


def _expm1(builder: Any, x: Any) -> Any:
    """Return exp(x) - 1 for numbers whose exponential is finite and no denormal.

    With x = n ln(2) + r, exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1).
    """
    bits = 32 if x.type.element == ir.FloatType() else 64
    mantissa = _MANTISSA_BITS[bits]
    coarse, fine = _LN2[bits]
    is_nan = builder.fcmp_unordered("uno", x, x)
    n = _call(builder, "rint", builder.fmul(x, _constant(x, 1 / log(2))))
    r = _multiply_add(builder, n, _constant(x, -coarse), x)
    r = _multiply_add(builder, n, _constant(x, -fine), r)
    series = _constant(x, 1 / factorial(_POWERS[bits]))
    for power in range(_POWERS[bits] - 1, 0, -1):
        series = _multiply_add(builder, series, r, _constant(x, 1 / factorial(power)))
    integers = ir.VectorType(ir.IntType(bits), LANES)
    # NaN has no integer.
    exponent = builder.fptosi(builder.select(is_nan, _constant(x, 0.0), n), integers)
    bias = ir.Constant(integers, [ir.Constant(integers.element, 2 ** (bits - mantissa - 2) - 1)] * LANES)
    shift = ir.Constant(integers, [ir.Constant(integers.element, mantissa)] * LANES)
    scale = builder.bitcast(builder.shl(builder.add(exponent, bias), shift), x.type)
    rest = builder.fsub(scale, _constant(x, 1.0))
    return _multiply_add(builder, builder.fmul(series, r), scale, rest)
