"""Vector instructions for functions that numba compiles, on numbers in fp32 or float64.

numba has no vector types, and the compiler's own vectorisation gives up on loops as large as those of a
convolution. So the inner loops are written in LLVM's intermediate language, as functions that numba inlines.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import binding, ir
from numba.core import cgutils, config

_PROCESSOR = {name for name, is_there in binding.get_host_cpu_features().items() if is_there}
"""Features of this processor, with LLVM's names."""
_CHOSEN: str | None = config.CPU_FEATURES  # type: ignore[attr-defined]
"""Features that the environment variable NUMBA_CPU_FEATURES names, such as ``+avx2,+fma``, if it is set."""
_COMPILED = _PROCESSOR if _CHOSEN is None else {name.removeprefix("+") for name in _CHOSEN.split(",")}
"""Features that the code of numba may use."""
HAS_WIDE_REGISTERS = "avx512f" in _COMPILED
"""True if there are 32 registers of 16 numbers; otherwise, 16 registers of 8 numbers are assumed."""
HAS_BF16_PAIRS = HAS_WIDE_REGISTERS and "avx512bf16" in _COMPILED
"""True if there is an instruction that adds two products of bf16 numbers in each lane."""
LANES = 16 if HAS_WIDE_REGISTERS else 8
"""Numbers of a vector."""

IDENTITY, RELU, SIGMOID, TANH = range(4)
"""Numbers of the activations."""

_BYTES = ir.VectorType(ir.IntType(8), LANES)
_EXPONENTIAL = (1.0, 1.0, 0.5, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040)
"""Coefficients of the exponential function's series, enough for fp32 below log(2) / 2."""


class _Bf16Type(ir.Type):
    """LLVM's type of bf16 numbers, which llvmlite does not have."""

    def _to_string(self) -> str:
        return "bfloat"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Bf16Type)

    def __hash__(self) -> int:
        return hash(_Bf16Type)


class Vectors:
    """Adds vector instructions to a function that numba compiles.

    Args:
        context: numba's context of the compilation.
        builder: builder of the function.
        dtype: numba's type of the numbers.
    """

    def __init__(self, context: Any, builder: Any, dtype: Any) -> None:
        self.context, self.builder, self.bits = context, builder, dtype.bitwidth
        self.type = ir.VectorType(ir.FloatType() if self.bits == 32 else ir.DoubleType(), LANES)

    def data(self, types: Any, arrays: Any, *positions: int) -> list[Any]:
        """Return pointers to the first elements of those arguments of a function that are arrays."""
        return [
            self.context.make_array(types[n])(self.context, self.builder, arrays[n]).data for n in positions
        ]

    def offset(self, start: Any, *terms: tuple[int, Any]) -> Any:
        """Return a start plus multiples of strides, which are variables or constants."""
        for factor, stride in terms:
            step = ir.Constant(start.type, stride) if isinstance(stride, int) else stride
            start = self.builder.add(start, self.builder.mul(ir.Constant(start.type, factor), step))
        return start

    def load(self, data: Any, offset: Any) -> Any:
        return self.builder.load(self._pointer(data, offset, self.type), align=1)

    def load_bytes(self, data: Any, offset: Any) -> Any:
        return self.builder.load(self._pointer(data, offset, _BYTES), align=1)

    def load_scalar(self, data: Any, offset: Any) -> Any:
        """Return a vector of equal numbers; those of integers have the same bits."""
        number = self.builder.load(self.builder.gep(data, [offset]))
        return self.broadcast(self.builder.bitcast(number, self.type.element))

    def store(self, vector: Any, data: Any, offset: Any) -> None:
        self.builder.store(vector, self._pointer(data, offset, vector.type), align=1)

    def _pointer(self, data: Any, offset: Any, vector: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(data, [offset]), vector.as_pointer())

    def broadcast(self, scalar: Any) -> Any:
        undefined, index = ir.Constant(self.type, ir.Undefined), ir.IntType(32)
        first = self.builder.insert_element(undefined, scalar, ir.Constant(index, 0))
        zeros = ir.Constant(ir.VectorType(index, LANES), [0] * LANES)
        return self.builder.shuffle_vector(first, undefined, zeros)

    def constant(self, value: float) -> Any:
        return ir.Constant(self.type, [value] * LANES)

    def bytes(self, value: int) -> Any:
        return ir.Constant(_BYTES, [value] * LANES)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        """Return a * b + c, rounded once."""
        return self._call("llvm.fma", a, b, c)

    def add_product(self, a: Any, b: Any, total: Any) -> None:
        """Add a * b to a variable, rounded once."""
        self.builder.store(self.multiply_add(a, b, self.builder.load(total)), total)

    def add_pair_products(self, a: Any, b: Any, total: Any) -> None:
        """Add the sum of the products of two bf16 numbers to each number of a variable in fp32.

        Args:
            a: vector whose bits are two bf16 numbers a lane.
            b: second vector of pairs.
            total: the variable.
        """
        pairs = ir.VectorType(_Bf16Type(), 2 * LANES)
        signature = ir.FunctionType(self.type, [self.type, pairs, pairs])
        function = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            self.builder.module, signature, "llvm.x86.avx512bf16.dpbf16ps.512"
        )
        numbers = (self.builder.bitcast(vector, pairs) for vector in (a, b))
        self.builder.store(self.builder.call(function, [self.builder.load(total), *numbers]), total)

    @property
    def can_compress(self) -> bool:
        """Return True if there is an instruction that moves chosen lanes of fp32 numbers together."""
        return HAS_WIDE_REGISTERS and self.bits == 32

    def compress(self, x: Any, mask: Any) -> Any:
        """Return the lanes of a vector of 32 bits a lane for which a mask holds, followed by zeros."""
        kind = "ps" if x.type == self.type else "d"
        zeros, bits = ir.Constant(x.type, None), ir.VectorType(ir.IntType(1), LANES)
        signature = ir.FunctionType(x.type, [x.type, x.type, bits])
        suffix = "f32" if kind == "ps" else "i32"
        function = cgutils.get_or_insert_function(  # type: ignore[no-untyped-call]
            self.builder.module, signature, f"llvm.x86.avx512.mask.compress.v{LANES}{suffix}"
        )
        return self.builder.call(function, [x, zeros, mask])

    def is_before(self, count: Any) -> Any:
        """Return a mask of the first lanes."""
        integers = ir.VectorType(ir.IntType(32), LANES)
        undefined, zeros = ir.Constant(integers, ir.Undefined), ir.Constant(integers, [0] * LANES)
        first = self.builder.insert_element(undefined, count, ir.Constant(ir.IntType(32), 0))
        counts = self.builder.shuffle_vector(first, undefined, zeros)
        return self.builder.icmp_signed("<", ir.Constant(integers, list(range(LANES))), counts)

    def to_integers(self, x: Any) -> Any:
        return self.builder.fptosi(x, ir.VectorType(ir.IntType(32), LANES))

    def count(self, mask: Any, type_: Any) -> Any:
        """Return the number of lanes for which a mask holds."""
        bits = self.builder.bitcast(mask, ir.IntType(LANES))
        return self.builder.zext(self.builder.ctpop(bits), type_)

    def transpose(self, rows: list[Any]) -> list[Any]:
        """Transpose as many vectors as lanes, by exchanging ever larger blocks off the diagonal."""
        rows, lanes, size = list(rows), range(LANES), 1
        index = ir.VectorType(ir.IntType(32), LANES)
        while size < LANES:
            upper = ir.Constant(index, [n + LANES - size if n & size else n for n in lanes])
            lower = ir.Constant(index, [n + LANES if n & size else n + size for n in lanes])
            for n in [n for n in lanes if not n & size]:
                pair = rows[n], rows[n + size]
                rows[n], rows[n + size] = (
                    self.builder.shuffle_vector(*pair, order) for order in (upper, lower)
                )
            size *= 2
        return rows

    def round_to_bf16(self, x: Any) -> Any:
        """Return fp32 numbers rounded to the nearest bf16 number, halfway to even.

        Returns:
            Integers of 32 bits; their lower halves are the bits of the results, their upper halves are 0.
        """
        builder, integers = self.builder, ir.VectorType(ir.IntType(32), LANES)
        half, one, sixteen, nan = (
            ir.Constant(integers, [number] * LANES) for number in (0x7FFF, 1, 16, 0x7FC0)
        )
        bits = builder.bitcast(x, integers)
        is_odd = builder.and_(builder.lshr(bits, sixteen), one)
        rounded = builder.lshr(builder.add(builder.add(bits, half), is_odd), sixteen)
        return builder.select(builder.fcmp_unordered("uno", x, x), nan, rounded)

    def upper_half(self, bits: Any) -> Any:
        """Return integers whose upper halves are the lower halves of others."""
        return self.builder.shl(bits, ir.Constant(bits.type, [16] * LANES))

    @contextmanager
    def if_within(self, number: int, bounds: tuple[Any, Any] | None) -> Iterator[None]:
        """Execute the block's instructions only if a number is in a half-open interval, or without one."""
        if bounds is None:
            yield
            return
        constant = ir.Constant(bounds[0].type, number)
        is_after = self.builder.icmp_signed(">=", constant, bounds[0])
        is_before = self.builder.icmp_signed("<", constant, bounds[1])
        with self.builder.if_then(self.builder.and_(is_after, is_before)):
            yield

    def sums(self, count: int) -> list[Any]:
        """Return variables with the value 0, which the compiler keeps in registers."""
        variables = [self._variable() for _ in range(count)]
        for variable in variables:
            self.builder.store(self.constant(0.0), variable)
        return variables

    def _variable(self) -> Any:
        return cgutils.alloca_once(self.builder, self.type)  # type: ignore[no-untyped-call]

    def activate(self, x: Any, activation: Any) -> Any:
        """Return an activation, given by its number, of a vector."""
        builder, result = self.builder, self._variable()
        builder.store(x, result)
        with builder.if_then(self._is(activation, RELU)):
            builder.store(builder.select(self.is_open(x), x, self.constant(0.0)), result)
        with builder.if_then(self._is(activation, SIGMOID)):
            builder.store(self._sigmoid(x), result)
        with builder.if_then(self._is(activation, TANH)):
            # tanh(x) = 2 sigmoid(2 x) - 1
            twice = self._sigmoid(builder.fadd(x, x))
            builder.store(self.multiply_add(twice, self.constant(2.0), self.constant(-1.0)), result)
        return builder.load(result)

    def is_open(self, x: Any) -> Any:
        """Return where a ReLU lets numbers pass: where they are positive or NaN."""
        return self.builder.fcmp_unordered(">", x, self.constant(0.0))

    def derive(self, gradient: Any, y: Any, activation: Any) -> Any:
        """Return the gradient of an activation's argument, from that of its result ``y``."""
        builder, result = self.builder, self._variable()
        builder.store(gradient, result)
        with builder.if_then(self._is(activation, RELU)):
            builder.store(builder.select(self.is_open(y), gradient, self.constant(0.0)), result)
        with builder.if_then(self._is(activation, SIGMOID)):
            slope = builder.fmul(y, builder.fsub(self.constant(1.0), y))
            builder.store(builder.fmul(gradient, slope), result)
        with builder.if_then(self._is(activation, TANH)):
            slope = builder.fsub(self.constant(1.0), builder.fmul(y, y))
            builder.store(builder.fmul(gradient, slope), result)
        return builder.load(result)

    def _is(self, activation: Any, number: int) -> Any:
        return self.builder.icmp_signed("==", activation, ir.Constant(activation.type, number))

    def _sigmoid(self, x: Any) -> Any:
        exponential = self._exponential(self.builder.fneg(x))
        one = self.constant(1.0)
        return self.builder.fdiv(one, self.builder.fadd(one, exponential))

    def _exponential(self, x: Any) -> Any:
        if self.bits == 64:
            return self._call("llvm.exp", x)
        builder = self.builder
        # Beyond these numbers the result would not be a normal fp32 number. NaN passes both comparisons.
        for limit, sign in ((88.0, ">"), (-87.0, "<")):
            bound = self.constant(limit)
            x = builder.select(builder.fcmp_ordered(sign, x, bound), bound, x)
        power = self._call("llvm.rint", builder.fmul(x, self.constant(1.4426950408889634)))
        # log(2) in two parts, of which the first has so few digits that the product is exact.
        rest = self.multiply_add(power, self.constant(-0.693359375), x)
        rest = self.multiply_add(power, self.constant(2.12194440e-4), rest)
        result = self.constant(_EXPONENTIAL[-1])
        for coefficient in reversed(_EXPONENTIAL[:-1]):
            result = self.multiply_add(result, rest, self.constant(coefficient))
        integers = ir.VectorType(ir.IntType(32), LANES)
        shifted = builder.shl(builder.fptosi(power, integers), ir.Constant(integers, [23] * LANES))
        return builder.bitcast(builder.add(builder.bitcast(result, integers), shifted), self.type)

    def _call(self, name: str, *vectors: Any) -> Any:
        signature = ir.FunctionType(self.type, [self.type] * len(vectors))
        name, module = f"{name}.v{LANES}f{self.bits}", self.builder.module
        function = cgutils.get_or_insert_function(module, signature, name)  # type: ignore[no-untyped-call]
        return self.builder.call(function, vectors)
