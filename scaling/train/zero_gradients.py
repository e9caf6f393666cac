"""The fraction of weights whose gradient is exactly 0 in a training step.

The weights of a layer are counted, not biases and batch-norm factors, in one step of the training itself. The
gradient is the one that the optimiser receives: of the mean loss of a minibatch, before weight decay. A
weight that is used at many positions of many images has gradient 0 only if all of its uses have, or if they
cancel. So the fraction falls with the batch size, and with ``batch_size: 1`` it is that of single images.
Meir et al. 2023 (Sci. Rep. 13, 962, Fig. 2b) average the fraction in each layer of a trained tree over test
images.

In bf16, gradients are rounded before they are counted. Rounding alone makes no gradient 0, because bf16 has
the exponents of fp32. But activations are rounded too: a sigmoid is 1, and its slope 0, from an input of 6.3
on instead of 16.7, and a tanh from 3.5 instead of 9.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from scaling.architectures import LayerTable
from scaling.models import layer_weight


def weighted_layers(table: LayerTable) -> list[str]:
    """Return the names of the layers whose weights are counted: those that are trained."""
    return [layer.name for layer in table.layers if layer.macs and layer.parameters]


@torch.no_grad()
def zero_gradient_fractions(networks: nn.Module, layers: Sequence[str]) -> Float[Tensor, "R fractions"]:
    """Return the fraction over all layers, then the fraction of each layer, as float64 on the CPU.

    Args:
        networks: networks after a backward pass.
        layers: names of the layers.
    """
    parameters = [layer_weight(networks, name) for name in layers]
    gradients = [parameter.grad.flatten(1) for parameter in parameters if parameter.grad is not None]
    sizes = torch.tensor([gradient.shape[1] for gradient in gradients], dtype=torch.float64)
    counts = torch.stack([_count_nonzero(gradient) for gradient in gradients]).cpu()
    zeros = sizes - counts.T
    return torch.cat([zeros.sum(dim=1, keepdim=True) / sizes.sum(), zeros / sizes], dim=1)


def _count_nonzero(gradient: Float[Tensor, "R weights"]) -> Int64[Tensor, " R"]:
    """Return how many numbers of each replica are not 0."""
    if gradient.device.type == "cpu":
        # One replica after the other: there, counting along an axis takes torch many times as long.
        return torch.stack([replica.count_nonzero() for replica in gradient])
    return gradient.count_nonzero(dim=1)
