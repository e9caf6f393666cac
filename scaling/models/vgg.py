"""VGG, R replicas at once.

Axes:
    R   replicas                     o   filters of a convolution
    B   images in a batch            row, col  of a filter or a map

Source: see ``scaling.architectures.vgg``. Batch norm over replicas x channels is per replica by construction.

Set here: He-normal filters, LeCun-normal readout; running statistics move by a tenth per step, as torch's do.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from scaling.architectures import LayerKind, Vgg
from scaling.models import ops_bf16_cpu, ops_reference
from scaling.models.initialization import Weights, he_normal, lecun_normal, stack_replicas
from scaling.models.products import conv2d
from scaling.settings import ImageShape

_MOMENTUM, _EPSILON = 0.1, 1e-5


class PackedVgg(nn.Module):
    """Networks from image to logits.

    Convolutions compute in the image's precision; statistics, weights and readout keep theirs.
    """

    def __init__(self, spec: Vgg, image: ImageShape, seeds: Sequence[int]) -> None:
        super().__init__()
        self.spec, self.image = spec, image
        self.weights = stack_replicas(self.init, seeds)
        for layer in spec.layer_table(image).layers:
            if layer.kind is LayerKind.NORMALISATION:
                self.register_buffer(f"{layer.name}_mean", torch.zeros(len(seeds), layer.shape[0]))
                self.register_buffer(f"{layer.name}_variance", torch.ones(len(seeds), layer.shape[0]))

    def init(self, generator: torch.Generator) -> Weights:
        """Draw the weights and biases of one replica."""
        weights: Weights = {}
        scales, kernel = self.spec.parameter_scales(self.image), self.spec.KERNEL
        for layer in self.spec.layer_table(self.image).layers:
            outputs = layer.shape[0]
            fan_in = layer.parameters // outputs - 1
            if layer.kind is LayerKind.CONVOLUTION:
                weights[f"{layer.name}_weight"] = he_normal(
                    generator, outputs, fan_in // kernel**2, kernel, kernel, fan_in=fan_in
                )
            elif layer.kind is LayerKind.NORMALISATION:
                weights[f"{layer.name}_weight"] = torch.ones(outputs)
            elif layer.kind is LayerKind.LINEAR:
                weights[f"{layer.name}_weight"] = (
                    lecun_normal(generator, outputs, fan_in, fan_in=fan_in)
                    * scales[f"{layer.name}_weight"].initial
                )
            if layer.parameters:
                weights[f"{layer.name}_bias"] = torch.zeros(outputs)
        return weights

    def forward(self, image: Float[Tensor, "B C side side"]) -> Float[Tensor, "R B classes"]:
        R, padding = len(self.weights["readout_bias"]), self.spec.padding(self.image)
        x, groups = F.pad(image, (padding,) * 4) if padding else image, 1
        for block, count in enumerate(self.spec.convolutions_per_block):
            for nth in range(1, count + 1):
                name = f"{block + 1}_{nth}"
                x = self._normalise(f"norm{name}", self._convolve(f"conv{name}", x, groups))
                groups = R
                if nth == count and (window := self.spec.pooling_window(block)) > 1:
                    # ReLU and a maximum commute, so pooling goes first: a quarter of the values is left.
                    x = F.max_pool2d(x, window)
                x = torch.relu(x)
        filters = self.weights[f"conv{name}_bias"].shape[1]
        features = rearrange(x, "B (R o) row col -> R B o row col", R=R)[:, :, :filters]
        return ops_reference.readout(
            features.flatten(2), self.weights["readout_weight"].mT, self.weights["readout_bias"]
        )

    def _convolve(self, name: str, x: Tensor, groups: int) -> Tensor:
        """Return maps "(R o)" of the same size.

        In bf16 on a CPU, empty maps pad each replica's to a multiple of 4, for the reasons that
        ``ops_bf16_cpu`` gives.
        """
        filters, bias = (self.weights[f"{name}_{part}"].to(x.dtype) for part in ("weight", "bias"))
        padding_maps = -filters.shape[1] % 4 if ops_bf16_cpu.supports(x) else 0
        padded_inputs = x.shape[1] // groups - filters.shape[2]
        if padding_maps or padded_inputs:
            filters = F.pad(filters, (0, 0, 0, 0, 0, padded_inputs, 0, padding_maps))
            bias = F.pad(bias, (0, padding_maps))
        padding = self.spec.KERNEL // 2
        return conv2d(x, filters.flatten(0, 1), bias.flatten(), padding=padding, groups=groups)

    def _normalise(self, name: str, x: Tensor) -> Tensor:
        """Normalise by the batch's statistics in training and by the running statistics in evaluation."""
        scale, offset = self.weights[f"{name}_weight"], self.weights[f"{name}_bias"]
        running = [self.get_buffer(f"{name}_{statistic}") for statistic in ("mean", "variance")]
        R, o = scale.shape
        padding_maps = x.shape[1] // R - o
        if not padding_maps:
            mean, variance = (value.view(-1) for value in running)
            return F.batch_norm(
                x, mean, variance, scale.view(-1), offset.view(-1), self.training, _MOMENTUM, _EPSILON
            )
        padded = [F.pad(value, (0, padding_maps)) for value in running]
        mean, variance = (value.view(-1) for value in padded)
        x = F.batch_norm(
            x,
            mean,
            variance,
            F.pad(scale, (0, padding_maps)).view(-1),
            F.pad(offset, (0, padding_maps)).view(-1),
            self.training,
            _MOMENTUM,
            _EPSILON,
        )
        for value, updated in zip(running, padded, strict=True):
            value.copy_(updated[:, :o])
        return x
