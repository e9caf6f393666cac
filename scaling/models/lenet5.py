"""LeNet-5 and its relatives, R replicas at once.

Axes:
    R   replicas                     d   filters of a convolution: d1, d2
    B   images in a batch            row, col  within a filter
    C   colours

Sources: see ``scaling.architectures.lenet5``.

Set here: LeCun-normal weights, and biases that begin at zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from types import ModuleType

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from scaling.architectures import Lenet5
from scaling.models import ops_bf16_cpu, ops_reference
from scaling.models.initialization import Weights, lecun_normal, stack_replicas
from scaling.settings import ImageShape


class PackedLenet5(nn.Module):
    """Image to logits. All but the readout is computed in the image's precision; the weights stay in their own."""

    def __init__(self, spec: Lenet5, image: ImageShape, seeds: Sequence[int]) -> None:
        super().__init__()
        self.spec, self.image = spec, image
        self.weights = stack_replicas(self.init, seeds)

    def init(self, generator: torch.Generator) -> Weights:
        """One replica's weights and biases."""
        weights: Weights = {}
        parameter_scales = self.spec.parameter_scales(self.image)
        for layer in self.spec.layer_table(self.image).layers:
            if not layer.parameters:
                continue
            outputs = layer.shape[0]
            fan_in = layer.parameters // outputs - 1
            kernel = self.spec.kernel
            shape = (
                (outputs, fan_in // kernel**2, kernel, kernel)
                if layer.name.startswith("conv")
                else (outputs, fan_in)
            )
            weights[f"{layer.name}_weight"] = (
                lecun_normal(generator, *shape, fan_in=fan_in)
                * parameter_scales[f"{layer.name}_weight"].initial
            )
            weights[f"{layer.name}_bias"] = torch.zeros(outputs)
        return weights

    def forward(self, image: Float[Tensor, "B C side side"]) -> Float[Tensor, "R B classes"]:
        weights = {name: weight.to(image.dtype) for name, weight in self.weights.items()}
        room: ModuleType = ops_bf16_cpu if ops_bf16_cpu.supports(image) else ops_reference
        x, padding, groups = image, self.spec.padding(self.image), 1
        settings = {"activation": self.spec.activation, "pooling": self.spec.pooling}
        if self.spec.convolutions == 2:
            x = room.maps(
                x, weights["conv1_weight"], weights["conv1_bias"], groups=1, padding=padding, **settings
            )
            padding, groups = 0, len(weights["readout_bias"])
        name = f"conv{self.spec.convolutions}"
        x = room.features(
            x, weights[f"{name}_weight"], weights[f"{name}_bias"], groups=groups, padding=padding, **settings
        ).squeeze(1)
        hidden = [f"hidden{i}" for i in range(1, len(self.spec.hidden) + 1)]
        turned = {
            layer: (self.weights if layer == "readout" else weights)[f"{layer}_weight"].mT
            for layer in (*hidden, "readout")
        }
        first, d = next(iter(turned)), weights[f"{name}_weight"].shape[1]
        turned[first] = rearrange(
            turned[first],
            f"R (o row col) unit -> R ({room.FEATURE_ORDER}) unit",
            o=d,
            row=isqrt(x.shape[2] // d),
        )
        for layer in hidden:
            x = torch.baddbmm(weights[f"{layer}_bias"].unsqueeze(1), x, turned[layer])
            x = ops_reference.ACTIVATIONS[self.spec.activation](x)
        return ops_reference.readout(x, turned["readout"], self.weights["readout_bias"])
