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

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from scaling.architectures import Tree3
from scaling.models.initialization import Weights, he_normal, stack_replicas
from scaling.models.operations import select_operations
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
        conv = he_normal(generator, C, K, kernel, kernel, fan_in=kernel**2)
        tree = he_normal(generator, M, C, K, S, row, col, fan_in=K * row * col)
        weights = {
            "conv_weight": conv,
            # In this order, nothing is copied before or after a product with the weights.
            "tree_weight": rearrange(tree, "M C K S row col -> C S K row col M").contiguous(),
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
        weights, spec = self.weights, self.spec
        ops = select_operations(image, filters=1, kernel=spec.KERNEL, pooling="max")
        C, S = image.shape[1], spec.strips(self.image)
        filters = rearrange(weights["conv_weight"], "R C K row col -> (R C) K 1 row col")
        bias = rearrange(weights["conv_bias"], "R C K -> (R C) K") if spec.biases else None
        tree = rearrange(weights["tree_weight"], "R C S K row col M -> (R C S) (K row col) M")
        unit_bias = rearrange(weights["tree_bias"], "R M C S -> (R C S) M") if spec.biases else None
        x = ops.conv_pool_connect(image, filters, bias, tree, unit_bias, groups=C, activation=spec.activation)
        x = ops.regroup(x, inner=C * S)
        logits: Tensor = ops.readout(
            x, weights["readout_weight"], weights["readout_bias"] if spec.biases else None
        )
        return logits
