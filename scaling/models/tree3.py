"""Tree-3, R replicas at once.

Axes, with the paper's letter where it has one and the size on CIFAR-10:

    R  replicas                  S    strips of the pooled map: 7
    B  images in a batch         row  rows of a strip: 2
    C  colours: 3                col  columns of a strip, the whole map: 14
    K  filters for each colour
    M  branches

Source: see ``scaling.architectures.tree3``.

Set here: He-normal weights, as the paper words it, and biases that start at zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from scaling.architectures import Tree3
from scaling.models import ops_bf16_cpu, ops_reference
from scaling.models.initialization import Weights, he_normal, stack_replicas
from scaling.models.products import bmm
from scaling.settings import ImageShape


class PackedTree3(nn.Module):
    """Networks from image to logits. In each branch, a pooled unit feeds exactly one tree unit."""

    def __init__(self, spec: Tree3, image: ImageShape, seeds: Sequence[int]) -> None:
        super().__init__()
        self.spec, self.image = spec, image
        self.weights = stack_replicas(self.init, seeds)

    def init(self, generator: torch.Generator) -> Weights:
        """Draw the weights of one replica, and its biases if the specification has them."""
        C, K, M, S = self.image.channels, self.spec.filters, self.spec.branches, self.spec.strips(self.image)
        row, col, classes = self.spec.rows, self.spec.pooled_side(self.image), self.image.classes
        kernel = self.spec.KERNEL
        weights = {
            "conv_weight": he_normal(generator, C, K, kernel, kernel, fan_in=kernel**2),
            "tree_weight": he_normal(generator, M, C, K, S, row, col, fan_in=K * row * col),
            "readout_weight": he_normal(generator, M * C * S, classes, fan_in=M * C * S),
        }
        if self.spec.biases:
            weights |= {
                "conv_bias": torch.zeros(C, K),
                "tree_bias": torch.zeros(M, C, S),
                "readout_bias": torch.zeros(classes),
            }
        return weights

    def forward(self, image: Float[Tensor, "B C side side"]) -> Float[Tensor, "R B classes"]:
        weights = {name: weight.to(image.dtype) for name, weight in self.weights.items()}
        ops: ModuleType = ops_bf16_cpu if ops_bf16_cpu.supports(image) else ops_reference
        C, S, activation = image.shape[1], self.spec.strips(self.image), self.spec.activation
        filters = rearrange(weights["conv_weight"], "R C K row col -> (C R) K 1 row col")
        bias = rearrange(weights["conv_bias"], "R C K -> (C R) K") if self.spec.biases else None
        x = ops.conv_pool_flatten(image, filters, bias, groups=C, activation=activation, strips=S)
        tree = rearrange(weights["tree_weight"], f"R M C o S row col -> (C R S) ({ops.FEATURE_ORDER}) M")
        x = rearrange(bmm(x.flatten(0, 1), tree), "(C R S) B M -> R B M C S", C=C, S=S)
        if self.spec.biases:
            x = x + weights["tree_bias"].unsqueeze(1)
        x = rearrange(ops_reference.ACTIVATIONS[activation](x), "R B M C S -> R B (M C S)")
        return ops_reference.readout(
            x, self.weights["readout_weight"], self.weights["readout_bias"] if self.spec.biases else None
        )
