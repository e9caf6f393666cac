"""VGG, R replicas at once.

Axes:
    R   replicas                     o   filters of a convolution
    B   images in a batch            row, col  of a filter or a map

Source: see ``scaling.architectures.vgg``. Batch norm over replicas x channels is per replica by itself.

Set here: He-normal filters, LeCun-normal readout; statistics move by a tenth a step, as torch's do.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from scaling.architectures import Vgg
from scaling.architectures.vgg import CONVOLUTIONS, KERNEL
from scaling.models import ops_bf16_cpu, ops_reference
from scaling.models.initialization import Weights, he_normal, lecun_normal, stack_replicas
from scaling.settings import ImageShape

MOMENTUM, EPSILON = 0.1, 1e-5


class PackedVgg(nn.Module):
    """Image to logits. Convolutions are computed in the image's precision; statistics, weights and readout stay in their own."""

    def __init__(self, spec: Vgg, image: ImageShape, seeds: Sequence[int]) -> None:
        super().__init__()
        self.spec, self.image = spec, image
        self.weights = stack_replicas(self.init, seeds)
        for layer in spec.layer_table(image).layers:
            if layer.name.startswith("norm"):
                self.register_buffer(f"{layer.name}_mean", torch.zeros(len(seeds), layer.shape[0]))
                self.register_buffer(f"{layer.name}_variance", torch.ones(len(seeds), layer.shape[0]))

    def init(self, generator: torch.Generator) -> Weights:
        """One replica's weights and biases."""
        weights: Weights = {}
        parameter_scales = self.spec.parameter_scales(self.image)
        for layer in self.spec.layer_table(self.image).layers:
            outputs = layer.shape[0]
            if layer.name.startswith("conv"):
                fan_in = layer.parameters // outputs - 1
                weights[f"{layer.name}_weight"] = he_normal(
                    generator, outputs, fan_in // KERNEL**2, KERNEL, KERNEL, fan_in=fan_in
                )
            elif layer.name.startswith("norm"):
                weights[f"{layer.name}_weight"] = torch.ones(outputs)
            elif layer.parameters:
                fan_in = layer.parameters // outputs - 1
                weights[f"{layer.name}_weight"] = (
                    lecun_normal(generator, outputs, fan_in, fan_in=fan_in)
                    * parameter_scales[f"{layer.name}_weight"].initial
                )
            if layer.parameters:
                weights[f"{layer.name}_bias"] = torch.zeros(outputs)
        return weights

    def forward(self, image: Float[Tensor, "B C side side"]) -> Float[Tensor, "R B classes"]:
        R, padding = len(self.weights["readout_bias"]), self.spec.padding(self.image)
        x, groups = F.pad(image, (padding,) * 4) if padding else image, 1
        for block, count in enumerate(CONVOLUTIONS[self.spec.depth]):
            for nth in range(1, count + 1):
                name = f"{block + 1}_{nth}"
                x = self.normalised(f"norm{name}", self.convolved(f"conv{name}", x, groups))
                groups = R
                if nth == count and (window := self.spec.window(block)) > 1:
                    x = F.max_pool2d(
                        x, window
                    )  # a rising function and a maximum commute: a quarter of the values is left
                x = torch.relu(x)
        filters = self.weights[f"conv{name}_bias"].shape[1]
        features = rearrange(x, "B (R o) row col -> R B o row col", R=R)[:, :, :filters]
        return ops_reference.readout(
            features.flatten(2), self.weights["readout_weight"].mT, self.weights["readout_bias"]
        )

    def convolved(self, name: str, x: Tensor, groups: int) -> Tensor:
        """Maps "(R o)" of the same size; in bf16 on a CPU each replica's are filled up with empty ones, as ``fast`` does and says why."""
        filters, bias = (self.weights[f"{name}_{part}"].to(x.dtype) for part in ("weight", "bias"))
        more = -filters.shape[1] % 4 if ops_bf16_cpu.supports(x) else 0
        empty = x.shape[1] // groups - filters.shape[2]
        if more or empty:
            filters, bias = F.pad(filters, (0, 0, 0, 0, 0, empty, 0, more)), F.pad(bias, (0, more))
        return F.conv2d(x, filters.flatten(0, 1), bias.flatten(), padding=KERNEL // 2, groups=groups)

    def normalised(self, name: str, x: Tensor) -> Tensor:
        """By the batch's statistics while it trains, else by those that it has kept."""
        scale, offset = self.weights[f"{name}_weight"], self.weights[f"{name}_bias"]
        kept = [self.get_buffer(f"{name}_{what}") for what in ("mean", "variance")]
        R, o = scale.shape
        more = x.shape[1] // R - o
        if not more:
            mean, variance = (value.view(-1) for value in kept)
            return F.batch_norm(
                x, mean, variance, scale.view(-1), offset.view(-1), self.training, MOMENTUM, EPSILON
            )
        filled = [F.pad(value, (0, more)) for value in kept]
        mean, variance = (value.view(-1) for value in filled)
        x = F.batch_norm(
            x,
            mean,
            variance,
            F.pad(scale, (0, more)).view(-1),
            F.pad(offset, (0, more)).view(-1),
            self.training,
            MOMENTUM,
            EPSILON,
        )
        for value, new in zip(kept, filled, strict=True):
            value.copy_(new[:, :o])
        return x
