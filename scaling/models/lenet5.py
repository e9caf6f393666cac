"""LeNet-5 and its relatives, R replicas at once.

Axes:
    R   replicas                     d   filters of a convolution: d1, d2
    B   images in a batch            row, col  within a filter
    C   colours

Sources: see ``scaling.architectures.lenet5``.

Set here: LeCun-normal weights, and biases that start at zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from scaling.architectures import LayerKind, Lenet5
from scaling.models.initialization import Weights, lecun_normal, stack_replicas
from scaling.models.operations import select_operations
from scaling.settings import ImageShape


class PackedLenet5(nn.Module):
    """Networks from image to logits.

    All layers except the readout compute in the image's precision; weights keep their own.
    """

    def __init__(self, spec: Lenet5, image: ImageShape, seeds: Sequence[int]) -> None:
        super().__init__()
        self.spec, self.image = spec, image
        self.weights = stack_replicas(self.init, seeds)

    def init(self, generator: torch.Generator) -> Weights:
        """Draw the weights and biases of one replica."""
        weights: Weights = {}
        scales, kernel = self.spec.parameter_scales(self.image), self.spec.kernel
        for layer in self.spec.layer_table(self.image).layers:
            if not layer.parameters:
                continue
            outputs = layer.shape[0]
            fan_in = layer.parameters // outputs - 1
            is_convolution = layer.kind is LayerKind.CONVOLUTION
            inputs = (fan_in // kernel**2, kernel, kernel) if is_convolution else (fan_in,)
            weights[f"{layer.name}_weight"] = (
                lecun_normal(generator, outputs, *inputs, fan_in=fan_in)
                * scales[f"{layer.name}_weight"].initial
            )
            weights[f"{layer.name}_bias"] = torch.zeros(outputs)
        return weights

    def forward(self, image: Float[Tensor, "B C side side"]) -> Float[Tensor, "R B classes"]:
        weights, activation = self.weights, self.spec.activation
        last = f"conv{self.spec.convolutions}"
        ops = select_operations(
            image,
            filters=weights[f"{last}_weight"].shape[1],
            kernel=self.spec.kernel,
            pooling=self.spec.pooling,
        )
        x, padding, groups = image, self.spec.padding(self.image), 1
        options = {"activation": activation, "pooling": self.spec.pooling}
        if self.spec.convolutions == 2:
            x = ops.conv_pool(
                x, weights["conv1_weight"], weights["conv1_bias"], groups=1, padding=padding, **options
            )
            padding, groups = 0, len(weights["readout_bias"])
        x = ops.conv_pool_flatten(
            x, weights[f"{last}_weight"], weights[f"{last}_bias"], groups=groups, padding=padding, **options
        )
        hidden = [f"hidden{i}" for i in range(1, len(self.spec.hidden) + 1)]
        linear = {layer: weights[f"{layer}_weight"].mT for layer in (*hidden, "readout")}
        first, d = next(iter(linear)), weights[f"{last}_weight"].shape[1]
        linear[first] = rearrange(
            linear[first],
            f"R (o row col) unit -> R ({ops.FEATURE_ORDER}) unit",
            o=d,
            row=isqrt(linear[first].shape[1] // d),
        )
        for layer in hidden:
            x = ops.connect(x, linear[layer], weights[f"{layer}_bias"], activation=activation)
        logits: Tensor = ops.readout(x, linear["readout"], weights["readout_bias"])
        return logits
