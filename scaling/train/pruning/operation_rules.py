"""Rules that carry the diagonal of the Hessian backwards through one operation.

The derivatives of the error E with respect to the result y of an operation give those with respect to its
inputs x. The off-diagonal second derivatives of E with respect to y are neglected:

    sums of inputs                   d2E/dx2 = sum over uses of d2E/dy2
    a factor c                       d2E/dx2 = c^2 d2E/dy2
    sums of products, y = w x        d2E/dx2 = sum over uses of w^2 d2E/dy2, and the same for w
    functions of a number, y = f(x)  d2E/dx2 = f'^2 d2E/dy2 + f'' dE/dy

All but the last are the backward pass of torch with squared coefficients: for sums of products, the backward
pass of the same operation with the squares of its inputs.

Source: LeCun, Denker & Solla, Optimal brain damage, NIPS 2, 598 (1990), Eqs. 6 to 10
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor, fx
from torch.fx.node import map_arg

from scaling.errors import UsageError

aten: Any = torch.ops.aten

SUMS = {
    aten._to_copy,
    aten._unsafe_view,
    aten.add,
    aten.alias,
    aten.cat,
    aten.clone,
    aten.constant_pad_nd,
    aten.detach,
    aten.expand,
    aten.index_put,
    aten.max_pool2d_with_indices,
    aten.permute,
    aten.reshape,
    aten.select,
    aten.slice,
    aten.squeeze,
    aten.sum,
    aten.t,
    aten.transpose,
    aten.unfold,
    aten.unsqueeze,
    aten.view,
}
"""Operations whose results are inputs or sums of inputs. A maximum is the input that it selects."""
CONSTANTS = {aten.new_full, aten.new_zeros, aten.ones_like, aten.zeros_like}
"""Operations whose results depend on the shape of an input alone."""
PRODUCTS = {aten.addmm, aten.baddbmm, aten.bmm, aten.convolution, aten.mm, aten.mul}
"""Operations whose results are sums of inputs and of products of two different inputs."""
FUNCTIONS = {aten.relu, aten.sigmoid, aten.tanh}
"""Functions of one number."""


@dataclass(frozen=True)
class Derivatives:
    """Derivatives of the error with respect to each element of a tensor."""

    second: Tensor
    """Second derivatives."""
    first: Tensor | None
    """First derivatives; None if the terms with f'' are left out."""

    def __add__(self, other: Derivatives) -> Derivatives:
        first = None if self.first is None or other.first is None else self.first + other.first
        return Derivatives(self.second + other.second, first)


def operation_kind(node: fx.Node) -> Any:
    """Return the operation of a node without its overload; None for other nodes."""
    return getattr(node.target, "overloadpacket", None)


def pull_back(
    node: fx.Node, values: Mapping[fx.Node, Any], inputs: Sequence[fx.Node], result: Derivatives
) -> list[Derivatives]:
    """Return the derivatives with respect to inputs of an operation.

    Args:
        node: the operation.
        values: value of every node of the graph.
        inputs: inputs of the operation for which derivatives are wanted.
        result: derivatives with respect to the result of the operation.

    Raises:
        UsageError: there is no rule for the operation.
    """
    if node.target is operator.getitem:  # the first of several results, the only one with derivatives
        return [result]
    kind = operation_kind(node)
    firsts = [None] * len(inputs) if result.first is None else _vjp(node, values, inputs, result.first)
    if kind in FUNCTIONS:
        seconds = [_through_function(node, values, result)]
    elif kind in SUMS:
        seconds = _vjp(node, values, inputs, result.second)
    elif kind in PRODUCTS and _has_different_factors(node):
        squares = {factor: values[factor].square() for factor in node.all_input_nodes}
        seconds = _vjp(node, squares, inputs, result.second)
    elif (coefficient := _coefficient(node)) is not None:
        seconds = [coefficient * second for second in _vjp(node, values, inputs, result.second)]
    else:
        raise UsageError(
            f"the diagonal of the Hessian has no rule for the operation {node.target}; prune a network of "
            "convolutions, products, pooling, and tanh, sigmoid or relu"
        )
    return [Derivatives(second, first) for second, first in zip(seconds, firsts, strict=True)]


def _vjp(
    node: fx.Node, values: Mapping[fx.Node, Any], inputs: Sequence[fx.Node], cotangent: Tensor
) -> list[Tensor]:
    """Return the product of a cotangent and the Jacobian matrix of an operation, for each input."""
    variables = {source: values[source].detach().requires_grad_() for source in inputs}
    with torch.enable_grad():
        result = _apply(node, {**{other: values[other] for other in node.all_input_nodes}, **variables})
    return list(torch.autograd.grad(result, list(variables.values()), cotangent))


def _apply(node: fx.Node, values: Mapping[fx.Node, Any]) -> Tensor:
    """Apply an operation; of several results, return the first."""
    operation: Any = node.target
    result = operation(*map_arg(node.args, values.__getitem__), **map_arg(node.kwargs, values.__getitem__))
    first: Tensor = result[0] if isinstance(result, tuple) else result
    return first


def _through_function(node: fx.Node, values: Mapping[fx.Node, Any], result: Derivatives) -> Tensor:
    (source,) = node.all_input_nodes
    x = values[source].detach().requires_grad_()
    with torch.enable_grad():
        y = _apply(node, {source: x})
        slope: Tensor = torch.autograd.grad(y.sum(), x, create_graph=result.first is not None)[0]
        second: Tensor = slope.detach().square() * result.second
        if result.first is None:
            return second
        bend: Tensor = torch.autograd.grad(slope.sum(), x, materialize_grads=True)[0]
    return second + bend * result.first


def _has_different_factors(node: fx.Node) -> bool:
    """Return True if a product is one of tensors, and none of them is multiplied by itself."""
    tensors = [argument for argument in node.args if isinstance(argument, fx.Node)]
    has_number = any(isinstance(argument, int | float) for argument in node.args[:2])
    return not has_number and len(tensors) == len(node.all_input_nodes)


def _coefficient(node: fx.Node) -> float | None:
    """Return the factor of every input in a result; None if there is no such number."""
    kind, arguments = operation_kind(node), node.args
    if kind is aten.mul:
        numbers = [argument for argument in arguments if isinstance(argument, int | float)]
        return float(numbers[0]) if numbers else None
    if kind is aten.avg_pool2d:
        size: Any = arguments[1]
        return 1.0 / float(prod(size if len(size) == 2 else (*size, *size)))
    return None
