"""Tree-3, R replicas at once.

Axes, with the paper's letter where it has one and the size on CIFAR-10:

    R  replicas                  S    strips of the pooled map: 7
    B  images in a batch         row  rows of a strip: 2
    C  colours: 3                col  columns of a strip, the whole map: 14
    K  filters for each colour
    M  branches

Source: see ``scaling.architectures.tree3``.

Set here: He-normal weights, as the paper words it, and biases that begin at zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor, nn

from scaling.architectures import Tree3
from scaling.architectures.tree3 import KERNEL
from scaling.leaves import ImageShape
from scaling.models.draw import Weights, he_normal, stack


class PackedTree3(nn.Module):
    """Image to logits. In each branch, a pooled unit feeds exactly one tree unit."""

    def __init__(self, spec: Tree3, image: ImageShape, seeds: Sequence[int]) -> None:
        super().__init__()
        self.spec, self.image = spec, image
        self.weights = stack(self.draw, seeds)

    def draw(self, generator: torch.Generator) -> Weights:
        """One replica's weights, and biases where the specification has them."""
        C, K, M, S = self.image.channels, self.spec.filters, self.spec.branches, self.spec.strips(self.image)
        row, col, classes = self.spec.rows, self.spec.pooled(self.image), self.image.classes
        weights = {
            "conv_weight": he_normal(generator, C, K, KERNEL, KERNEL, fan_in=KERNEL**2),
            "tree_weight": he_normal(generator, M, C, K, S, row, col, fan_in=K * row * col),
            "readout_weight": he_normal(generator, M * C * S, classes, fan_in=M * C * S),
        }
        if self.spec.biases:
            weights |= {"conv_bias": torch.zeros(C, K), "tree_bias": torch.zeros(M, C, S), "readout_bias": torch.zeros(classes)}
        return weights

    def forward(self, image: Float[Tensor, "B C side side"]) -> Float[Tensor, "R B classes"]:
        weights = {name: weight.to(image.dtype) for name, weight in self.weights.items()}
        C, R, S, row = image.shape[1], len(weights["conv_weight"]), self.spec.strips(self.image), self.spec.rows
        filters = rearrange(weights["conv_weight"], "R C K row col -> (C R K) 1 row col")
        bias = rearrange(weights["conv_bias"], "R C K -> (C R K)") if self.spec.biases else None
        # Both activations rise, so the maximum may go first: a quarter of the values is left.
        x = self.activate(F.max_pool2d(F.conv2d(image, filters, bias, groups=C), 2))
        x = rearrange(x, "B (C R K) (S row) col -> B C R K S row col", C=C, R=R, row=row, S=S)
        x = einsum(x, weights["tree_weight"], "B C R K S row col, R M C K S row col -> R B M C S")
        if self.spec.biases:
            x = x + weights["tree_bias"].unsqueeze(1)
        x = rearrange(self.activate(x), "R B M C S -> R B (M C S)")
        if self.spec.biases:
            return torch.baddbmm(weights["readout_bias"].unsqueeze(1), x, weights["readout_weight"])
        return torch.bmm(x, weights["readout_weight"])

    def activate(self, x: Tensor) -> Tensor:
        return torch.sigmoid(x) if self.spec.activation == "sigmoid" else torch.relu(x)
