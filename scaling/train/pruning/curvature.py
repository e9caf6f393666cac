"""The diagonal of the Hessian of the mean squared error, by a backward pass of its own.

The backward pass is that of LeCun et al.: a weight of a unit with the input sum a has the second derivative
d2E/da2 x^2, summed over its uses if it is shared. The off-diagonal second derivatives with respect to the
units of a layer are neglected. The result is exact for a weight from which one path leads to each output, as
in a network with one hidden layer and no shared weights. Elsewhere, without the terms with f'', the exact
diagonal (of the Gauss-Newton matrix) is at most the result times the number of paths from the weight to an
output, by the inequality of Cauchy and Schwarz; it can be as small as 0, where paths cancel.

The networks are traced once, and their operations are worked through in reverse, for all images and replicas
at once. So every network that consists of operations with a rule has a curvature (``operation_rules``).

Source: LeCun, Denker & Solla, Optimal brain damage, NIPS 2, 598 (1990)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, fx, nn
from torch.func import functional_call
from torch.fx.experimental.proxy_tensor import make_fx

from scaling.models.operations import reference_operations
from scaling.train.module import losses
from scaling.train.pruning.operation_rules import CONSTANTS, Derivatives, operation_kind, pull_back


@torch.no_grad()
def hessian_diagonal(
    networks: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    *,
    targets: tuple[float, float],
    with_second_derivatives: bool = False,
) -> dict[str, Tensor]:
    """Return the second derivatives of each replica's mean squared error with respect to its weights.

    Args:
        networks: networks with R as the first axis of each parameter.
        batches: images and labels.
        targets: targets for the wrong classes and for the correct class.
        with_second_derivatives: True for the recursion as published, with the second derivatives f'' of the
            activations. Without them, which is the Levenberg-Marquardt approximation, no result is negative.

    Returns:
        Second derivatives with the names and shapes of ``scaling.models.named_weights``.

    Raises:
        UsageError: the networks have an operation without a rule.
    """
    weights = dict(networks.named_parameters())
    graphs: dict[torch.Size, fx.GraphModule] = {}
    total = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    n_images = 0
    for images, labels in batches:
        if images.shape not in graphs:
            graphs[images.shape] = _trace(networks, weights, images)
        seconds = _batch_diagonal(
            graphs[images.shape], weights, images, labels, targets, with_second_derivatives
        )
        for name, second in seconds.items():
            total[name] += len(labels) * second
        n_images += len(labels)
    return {name.removeprefix("weights."): second / n_images for name, second in total.items()}


def _trace(networks: nn.Module, weights: Mapping[str, Tensor], images: Tensor) -> fx.GraphModule:
    """Return the operations of the networks as a graph whose inputs are the images and each weight."""

    def forward(images: Tensor, *values: Tensor) -> Any:
        return functional_call(networks, dict(zip(weights, values, strict=True)), (images,))

    with reference_operations():
        return make_fx(forward)(images, *weights.values())


def _batch_diagonal(
    graph: fx.GraphModule,
    weights: Mapping[str, Tensor],
    images: Tensor,
    labels: Tensor,
    targets: tuple[float, float],
    with_second_derivatives: bool,
) -> dict[str, Tensor]:
    """Return the diagonal for the mean squared error of one batch, by name of the parameter."""
    interpreter = fx.Interpreter(graph, garbage_collect_values=False)
    outputs = interpreter.run(images, *weights.values())
    nodes = list(graph.graph.nodes)
    _, *parameters = (node for node in nodes if node.op == "placeholder")
    depends_on_weights = set(parameters)
    for node in nodes:
        is_constant = operation_kind(node) in CONSTANTS
        if not is_constant and depends_on_weights.intersection(node.all_input_nodes):
            depends_on_weights.add(node)
    (output,) = (node for node in nodes if node.op == "output")
    (logits,) = output.all_input_nodes
    derivatives = {logits: _output_derivatives(outputs, labels, targets, with_second_derivatives)}
    for node in reversed(nodes):
        if node.op != "call_function" or node not in derivatives:
            continue
        inputs = [source for source in node.all_input_nodes if source in depends_on_weights]
        parts = pull_back(node, interpreter.env, inputs, derivatives.pop(node))
        for source, part in zip(inputs, parts, strict=True):
            derivatives[source] = derivatives[source] + part if source in derivatives else part
    return {name: derivatives[node].second for name, node in zip(weights, parameters, strict=True)}


def _output_derivatives(
    outputs: Float[Tensor, "R B classes"],
    labels: Int[Tensor, " B"],
    targets: tuple[float, float],
    with_second_derivatives: bool,
) -> Derivatives:
    """Return the derivatives of the mean squared error with respect to the outputs."""
    second = torch.full_like(outputs, 2 / outputs[0].numel())
    if not with_second_derivatives:
        return Derivatives(second, None)
    variables = outputs.detach().requires_grad_()
    with torch.enable_grad():
        error = losses(variables, labels, "mse", targets=targets).sum()
    return Derivatives(second, torch.autograd.grad(error, variables)[0])
