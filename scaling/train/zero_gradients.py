"""How many weights a training step leaves without a gradient.

What is counted: the weights of a layer, its biases and factors left out, whose gradient is exactly 0 in one step of the training itself, as
the optimiser is given it: that of the mean loss of a minibatch, before weight decay. A weight that is used at many places of many images has
such a gradient only if all of its uses have, or if they cancel; so the share falls with the batch size, and with ``batch_size: 1`` it is that
of single images. Meir et al. 2023 (Sci. Rep. 13, 962, Fig. 2b) average the fraction in each layer of a trained tree over test images.

In bf16, gradients are rounded before they are counted. That alone makes none 0, as bf16 reaches as near to it as fp32. But activations are
rounded too: a sigmoid is 1, and its slope 0, from an input of 6.3 on instead of 16.7, and a tanh from 3.5 instead of 9.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from scaling.architectures import LayerTable


def weighted_layers(layers: LayerTable) -> list[str]:
    """The layers whose weights are counted."""
    return [layer.name for layer in layers.layers if layer.macs]


@torch.no_grad()
def zero_gradient_fractions(networks: nn.Module, names: Sequence[str]) -> Float[Tensor, "R shares"]:
    """The share of all weights whose gradient is 0, then that of each layer's, as float64 on the CPU.

    Args:
        networks: after a backward pass.
        names: of the layers.
    """
    gradients = [networks.get_parameter(f"weights.{name}_weight").grad.flatten(1) for name in names]  # type: ignore[union-attr]
    sizes = torch.tensor([gradient.shape[1] for gradient in gradients], dtype=torch.float64)
    # One replica after the other: along an axis torch takes many times as long.
    counts = torch.stack([replica.count_nonzero() for gradient in gradients for replica in gradient]).cpu()
    zeros = sizes - counts.view(len(names), -1).T
    return torch.cat([zeros.sum(dim=1, keepdim=True) / sizes.sum(), zeros / sizes], dim=1)
