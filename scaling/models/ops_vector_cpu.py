"""The operations of ``ops_reference`` with images as the lanes of vectors on a CPU, faster.

Axes as in ``ops_reference``; images are the lanes of a vector. The kernels are in ``vector_convolution``,
``vector_dense_gradients``, ``vector_sparse_gradients`` and ``vector_products``. Maps and features stay in the
kernels' order from layer to layer.

The arithmetic is fp32 also where the images are in bf16, because most products with gradients are left out,
which saves more time. Where the images are in bf16 and the processor has a fast instruction that adds pairs
of products in fp32, convolutions forward and the gradients of a first layer's filters multiply bf16 numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from scaling.models import vector_instructions
from scaling.models.vector_connected import add_connected_gradients, convolve_and_connect
from scaling.models.vector_convolution import COLUMNS, KERNEL, convolve_and_pool, to_lanes
from scaling.models.vector_dense_gradients import add_gradients
from scaling.models.vector_instructions import HAS_BF16_PAIRS, LANES
from scaling.models.vector_pairs import (
    PAIR_COLUMNS,
    pair_channels,
    pair_columns,
    pair_weights_of_channels,
    pair_weights_of_columns,
)
from scaling.models.vector_products import connect as connect_rows
from scaling.models.vector_products import connect_gradients, transpose
from scaling.models.vector_sparse_gradients import add_sparse_gradients
from scaling.plan.lane_limit import has_bf16_tiles

FEATURE_ORDER = "o row col"
"""Order of the features, as ``conv_pool_flatten`` returns them."""

_SPARSE_CHANNELS: float = 3
"""Fewest channels that a filter sees for which gradients of the winners alone are measured to be faster."""
_COLUMN_PAIR_CHANNELS = {1, 3, 5}
"""Numbers of channels of which pairs of columns need fewer products than pairs of channels, or as many."""
_MULTIPLIES_PAIRS = HAS_BF16_PAIRS and not has_bf16_tiles()
"""True if convolutions multiply pairs of bf16 numbers.

Processors with instructions for whole matrices do this more slowly than they multiply numbers in fp32."""
_ACTIVATIONS = {
    "identity": vector_instructions.IDENTITY,
    "relu": vector_instructions.RELU,
    "sigmoid": vector_instructions.SIGMOID,
    "tanh": vector_instructions.TANH,
}


@dataclass(frozen=True, eq=False)
class Lanes:
    """Maps or features in the order of the kernels."""

    values: Tensor
    """Maps [block, channels, height, width, lane], or features [G, units, image].

    There are as many lanes, or images, as fill the last block.
    """
    images: int
    """Number of images; the lanes after them do not count."""
    may_round: bool = False
    """True if the images are in bf16, so that convolutions may round their pixels and filters to bf16."""


def supports(x: Tensor, *, kernel: int, pooling: str) -> bool:
    """Return True if this module's operations accept images, a size of filters, and a pooling."""
    dtypes = (torch.bfloat16, torch.float32, torch.float64)
    return x.device.type == "cpu" and x.dtype in dtypes and kernel == KERNEL and pooling == "max"


def conv_pool(
    x: Float[Tensor, "B channels height width"] | Lanes,
    filters: Float[Tensor, "G o c row col"],
    bias: Float[Tensor, "G o"] | None,
    *,
    groups: int,
    padding: int = 0,
    activation: str,
    pooling: str = "max",
) -> Lanes:
    """Convolve, pool and activate as ``ops_reference.conv_pool`` does."""
    maps = x if isinstance(x, Lanes) else _to_lanes(x, padding)
    layer = _Convolution(groups=groups, activation=_ACTIVATIONS[activation], is_flat=False)
    return replace(maps, values=_ConvPool.apply(layer, maps, maps.values, filters, bias))


def conv_pool_flatten(
    x: Float[Tensor, "B channels height width"] | Lanes,
    filters: Float[Tensor, "G o c row col"],
    bias: Float[Tensor, "G o"] | None,
    *,
    groups: int,
    padding: int = 0,
    activation: str,
    pooling: str = "max",
) -> Lanes:
    """Convolve, pool and activate as ``ops_reference.conv_pool_flatten`` does."""
    maps = x if isinstance(x, Lanes) else _to_lanes(x, padding)
    layer = _Convolution(groups=groups, activation=_ACTIVATIONS[activation], is_flat=True)
    return replace(maps, values=_ConvPool.apply(layer, maps, maps.values, filters, bias))


def conv_pool_connect(
    x: Float[Tensor, "B channels height width"],
    filters: Float[Tensor, "G o c row col"],
    bias: Float[Tensor, "G o"] | None,
    weight: Float[Tensor, "GS strip units"],
    unit_bias: Float[Tensor, "GS units"] | None,
    *,
    groups: int,
    activation: str,
) -> Lanes:
    """Convolve, pool and connect as ``ops_reference.conv_pool_connect`` does; images get no gradient."""
    maps = _to_lanes(x, padding=0)
    layer = _Convolution(groups=groups, activation=_ACTIVATIONS[activation], is_flat=True)
    values = _ConvPoolConnect.apply(layer, maps, torch.is_grad_enabled(), filters, bias, weight, unit_bias)
    return replace(maps, values=values)


def connect(
    x: Lanes,
    weight: Float[Tensor, "G inputs units"],
    bias: Float[Tensor, "G units"] | None,
    *,
    activation: str,
) -> Lanes:
    """Apply fully connected layers as ``ops_reference.connect`` does."""
    return replace(x, values=_Connect.apply(_ACTIVATIONS[activation], x.images, x.values, weight, bias))


def regroup(x: Lanes, *, inner: int) -> Lanes:
    """Collect the units of each group as ``ops_reference.regroup`` does."""
    pattern = "(G inner) units image -> G (units inner) image"
    return replace(x, values=rearrange(x.values, pattern, inner=inner))


def readout(
    x: Lanes, weight: Float[Tensor, "R units classes"], bias: Float[Tensor, "R classes"] | None
) -> Float[Tensor, "R B classes"]:
    """Compute logits in the precision of the weights."""
    return connect(x, weight, bias, activation="identity").values[..., : x.images].mT


def _to_lanes(x: Float[Tensor, "B channels height width"], padding: int) -> Lanes:
    B, channels, height, width = x.shape
    dtype = torch.float64 if x.dtype == torch.float64 else torch.float32
    shape = (-(-B // LANES), channels, height + 2 * padding, width + 2 * padding, LANES)
    values = torch.empty(shape, dtype=dtype)
    to_lanes(x.permute(0, 2, 3, 1).to(dtype).contiguous().numpy(), padding, values.numpy())
    return Lanes(values, B, may_round=x.dtype == torch.bfloat16)


@dataclass(frozen=True, kw_only=True)
class _Convolution:
    groups: int
    activation: int
    is_flat: bool
    """True for features, False for maps for the next layer."""


class _ConvPool(torch.autograd.Function):
    """A convolution with maximum pooling and an activation."""

    @staticmethod
    def forward(
        ctx: Any, layer: _Convolution, maps: Lanes, x: Tensor, filters: Tensor, bias: Tensor | None
    ) -> Tensor:
        blocks, _, height, width, _ = x.shape
        G, o = filters.shape[:2]
        P, Q = _pooled_sides(height, width)
        if layer.is_flat:
            out = x.new_empty(G, o, P, Q, blocks, LANES)
            strides = tuple(map(out.stride, (4, 0, 0, 1, 2, 3)))
        else:
            out = x.new_empty(blocks, G, o, P, Q, LANES)
            strides = tuple(map(out.stride, (0, 1, 0, 2, 3, 4)))
        flat = out.view(-1)
        convolve_and_pool(*_convolution_arguments(ctx, layer, maps, x, filters, bias, flat, strides, P), 0, G)
        ctx.save_for_backward(*ctx.to_save)
        return out.view(G, -1, blocks * LANES) if layer.is_flat else out.flatten(1, 2)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        x, weights, flat = ctx.saved_tensors
        has_input = ctx.needs_input_grad[2]
        is_sparse = weights.shape[2] >= _SPARSE_CHANNELS
        dx = x
        if has_input:  # the dense gradients leave pixels at 0 that no filter reaches
            dx = torch.empty_like(x) if is_sparse else torch.zeros_like(x)
        d_biases = x.new_zeros(*weights.shape[:2], LANES)
        arguments = (ctx, x, weights, flat, gradient.contiguous().view(-1), has_input, dx, d_biases)
        if is_sparse:
            d_filters = _add_sparse_gradients(*arguments)
        else:
            numbers, lanes = _gradient_arguments(*arguments)
            add_gradients(*numbers, 0, len(weights))
            d_filters = lanes.sum(-1)
        return None, None, dx if has_input else None, *_filter_gradients(ctx, d_filters, d_biases)


class _ConvPoolConnect(torch.autograd.Function):
    """A convolution with maximum pooling whose strips have units of their own, one group after the other."""

    @staticmethod
    def forward(
        ctx: Any,
        layer: _Convolution,
        maps: Lanes,
        keeps_features: bool,
        filters: Tensor,
        bias: Tensor | None,
        weight: Tensor,
        unit_bias: Tensor | None,
    ) -> Tensor:
        x = maps.values
        blocks, _, height, width, _ = x.shape
        (G, o), (GS, strip, units) = filters.shape[:2], weight.shape
        P, Q = _pooled_sides(height, width)
        rows = P * G // GS
        # Without gradients, the features of one group at a time are enough.
        pooled = x.new_empty(G if keeps_features else 1, P // rows, o, rows, Q, blocks, LANES)
        strides = tuple(map(pooled.stride, (5, 0, 1, 2, 3, 4)))
        flat, features = pooled.view(-1), pooled.view(-1, strip, blocks * LANES)
        out = x.new_empty(GS, units, blocks * LANES)
        weights = weight.detach().to(x.dtype).contiguous()
        unit_biases = x.new_zeros(GS, units) if unit_bias is None else unit_bias.detach().to(x.dtype)
        convolve_and_connect(
            *_convolution_arguments(ctx, layer, maps, x, filters, bias, flat, strides, rows),
            features.numpy(), weights.numpy(), unit_biases.contiguous().numpy(), out.numpy(),
        )  # fmt: skip
        ctx.images = maps.images
        ctx.unit_dtypes = weight.dtype, None if unit_bias is None else unit_bias.dtype
        ctx.save_for_backward(*ctx.to_save, features, weights, out)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        x, filters, flat, features, weights, out = ctx.saved_tensors
        (G, o), (GS, strip, lanes), units = filters.shape[:2], features.shape, out.shape[1]
        width = max(units, LANES)
        d_biases, d_unit_biases = x.new_zeros(G, o, LANES), x.new_empty(GS, units)
        d_features, d_weights = x.new_empty(GS // G, strip, lanes), x.new_empty(GS, strip, width)
        transposed = x.new_empty(GS // G, ctx.images, width)
        d_flat, d_out = d_features.view(-1), gradient.clone(memory_format=torch.contiguous_format)
        numbers, d_filters = _gradient_arguments(ctx, x, filters, flat, d_flat, False, x, d_biases)
        add_connected_gradients(
            *numbers, features.numpy(), weights.numpy(), out.numpy(), d_out.numpy(), ctx.images,
            transposed.numpy(), d_features.numpy(), d_weights.numpy(), d_unit_biases.numpy(),
        )  # fmt: skip
        weight_dtype, unit_bias_dtype = ctx.unit_dtypes
        d_unit_bias = None if unit_bias_dtype is None else d_unit_biases.to(unit_bias_dtype)
        d_weight = d_weights[..., :units].to(weight_dtype)
        return None, None, None, *_filter_gradients(ctx, d_filters.sum(-1), d_biases), d_weight, d_unit_bias


def _pooled_sides(height: int, width: int) -> tuple[int, int]:
    return (height - KERNEL + 1) // 2, (width - KERNEL + 1) // 2


def _convolution_arguments(
    ctx: Any,
    layer: _Convolution,
    maps: Lanes,
    x: Tensor,
    filters: Tensor,
    bias: Tensor | None,
    flat: Tensor,
    strides: tuple[int, ...],
    rows: int,
) -> tuple[Any, ...]:
    """Return the first arguments of ``convolve_and_pool``, and keep what the gradients need."""
    (blocks, _, height, width, _), (G, o) = x.shape, filters.shape[:2]
    weights = filters.detach().to(x.dtype).contiguous()
    biases = x.new_zeros(G, o) if bias is None else bias.detach().to(x.dtype).contiguous()
    winners = np.empty((blocks, G, o, *_pooled_sides(height, width), LANES), np.uint8)
    ctx.layer, ctx.strides, ctx.rows = layer, strides, rows
    ctx.winners, ctx.may_round = winners, maps.may_round and _MULTIPLIES_PAIRS
    columns, pixels, taps = COLUMNS, x.detach(), weights
    if ctx.may_round and filters.shape[2] in _COLUMN_PAIR_CHANNELS:
        columns, pixels, taps = PAIR_COLUMNS, pair_columns(x), pair_weights_of_columns(filters)
    elif ctx.may_round:
        pixels, taps = pair_channels(x, layer.groups), pair_weights_of_channels(filters)
    ctx.dtypes = filters.dtype, None if bias is None else bias.dtype
    ctx.to_save = x, weights, flat
    return (
        pixels.numpy(), taps.numpy(), columns, biases.numpy(), layer.groups, layer.activation,
        flat.numpy(), strides, rows, winners,
    )  # fmt: skip


def _filter_gradients(ctx: Any, d_filters: Tensor, d_biases: Tensor) -> tuple[Tensor, Tensor | None]:
    """Return the gradients of the filters and of the biases in the types of both."""
    filters_dtype, bias_dtype = ctx.dtypes
    return d_filters.to(filters_dtype), None if bias_dtype is None else d_biases.sum(-1).to(bias_dtype)


def _gradient_arguments(
    ctx: Any,
    x: Tensor,
    weights: Tensor,
    flat: Tensor,
    d_flat: Tensor,
    has_input: bool,
    dx: Tensor,
    d_biases: Tensor,
) -> tuple[tuple[Any, ...], Tensor]:
    """Return the first arguments of ``add_gradients``, and the gradients of the filters by lane."""
    d_filters = x.new_zeros(*weights.shape, LANES)
    border, (o, P, Q) = 2 * (KERNEL - 1), ctx.winners.shape[2:5]
    d = x.new_zeros(o, 2 * P + border, 2 * Q + border, LANES)
    rotated = weights.flip(-1, -2).transpose(1, 2).contiguous()
    pixels = pair_columns(x) if ctx.may_round and not has_input else x
    numbers = (
        pixels.numpy(), rotated.numpy(), ctx.layer.groups, ctx.layer.activation, flat.numpy(),
        d_flat.numpy(), ctx.strides, ctx.rows, ctx.winners, has_input, d.numpy(), dx.numpy(),
        d_filters.numpy(), d_biases.numpy(),
    )  # fmt: skip
    return numbers, d_filters


def _add_sparse_gradients(
    ctx: Any,
    x: Tensor,
    weights: Tensor,
    flat: Tensor,
    d_flat: Tensor,
    has_input: bool,
    dx: Tensor,
    d_biases: Tensor,
) -> Tensor:
    """Return the gradient of the filters, and add those of ``x`` and of the biases."""
    c, (height, width) = weights.shape[2], x.shape[2:4]
    length, fill = KERNEL * c, -KERNEL * c % LANES
    pixels = torch.arange(c * height * width).view(c, height, width).permute(1, 2, 0).flatten() * LANES
    filters = torch.nn.functional.pad(rearrange(weights, "G o c i j -> G o i (j c)"), (0, fill))
    is_weight = torch.nn.functional.pad(x.new_ones(length), (0, fill))
    d_filters = torch.zeros_like(filters)
    add_sparse_gradients(
        x.numpy(), pixels.numpy(), filters.numpy(), is_weight.numpy(), ctx.layer.groups, ctx.layer.activation,
        flat.numpy(), d_flat.numpy(), ctx.strides, ctx.rows, ctx.winners, has_input, dx.numpy(),
        d_filters.numpy(), d_biases.numpy(),
    )  # fmt: skip
    return rearrange(d_filters[..., :length], "G o i (j c) -> G o c i j", c=c)


class _Connect(torch.autograd.Function):
    """A fully connected layer of each group, with an activation."""

    @staticmethod
    def forward(
        ctx: Any, activation: int, images: int, x: Tensor, weight: Tensor, bias: Tensor | None
    ) -> Tensor:
        G, inputs, units = weight.shape
        weights = weight.to(x.dtype)
        if weights.mT.is_contiguous():
            weights, strides = weights.mT, (1, inputs)
        else:
            weights, strides = weights.contiguous(), (units, 1)
        biases = x.new_zeros(G, units) if bias is None else bias.to(x.dtype).contiguous()
        out = x.new_empty(G, units, x.shape[2])
        x = x.contiguous()
        connect_rows(
            x.numpy(), weights.detach().numpy(), strides, biases.detach().numpy(), activation, out.numpy()
        )
        ctx.activation, ctx.images, ctx.strides = activation, images, strides
        ctx.dtypes = weight.dtype, None if bias is None else bias.dtype
        ctx.save_for_backward(x, weights, out)
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        x, weights, out = ctx.saved_tensors
        has_input = ctx.needs_input_grad[2]
        G, inputs, units = len(x), x.shape[1], out.shape[1]
        width = max(units, LANES)
        transposed, d_weights = x.new_empty(G, ctx.images, width), x.new_empty(G, inputs, width)
        d_biases, dx = x.new_empty(G, units), torch.empty_like(x) if has_input else x
        d_out = gradient.clone(memory_format=torch.contiguous_format)
        connect_gradients(
            x.numpy(), weights.numpy(), ctx.strides, ctx.activation, out.numpy(), d_out.numpy(), ctx.images,
            transposed.numpy(), has_input, dx.numpy(), d_weights.numpy(), d_biases.numpy(),
        )  # fmt: skip
        weight_dtype, bias_dtype = ctx.dtypes
        d_bias = None if bias_dtype is None else d_biases.to(bias_dtype)
        if ctx.strides[0] == 1:  # the weights are [G, units, inputs] in memory
            d_transposed = x.new_empty(G, units, inputs)
            transpose(d_weights.numpy(), units, d_transposed.numpy())
            d_weights = d_transposed.mT
        return None, None, dx if has_input else None, d_weights[..., :units].to(weight_dtype), d_bias
