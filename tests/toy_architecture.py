"""An architecture that is not part of the package: a convolution and a readout.

It is registered when this module is imported.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from scaling.architectures import (
    Architecture,
    BenchmarkNetwork,
    CatalogueEntry,
    LayerTable,
    SettingLabel,
    register,
)
from scaling.architectures.layers import convolution, linear, pooling
from scaling.models.initialization import Weights, he_normal, lecun_normal, stack_replicas
from scaling.settings import ImageShape, PositiveInt, Problem


class Toy(Architecture):
    """A convolution with 2x2 pooling and ReLU, and a readout."""

    setting_labels: ClassVar[dict[str, SettingLabel]] = {"kernel": SettingLabel(plural="{}-pixel kernel")}

    type: Literal["toy"] = "toy"
    kernel: PositiveInt = 3

    def problem(self, image: ImageShape) -> Problem | None:
        if self.kernel > image.side - 1:
            return Problem("kernel", f"expected at most {image.side - 1}, got {self.kernel}")
        return None

    def layer_table(self, image: ImageShape) -> LayerTable:
        side = image.side - self.kernel + 1
        conv = convolution("conv", image.channels, filters=self.filters, side=image.side, kernel=self.kernel)
        units = self.filters * (side // 2) ** 2
        readout = linear("readout", units, outputs=image.classes)
        return LayerTable(image, (conv, pooling("pool", self.filters, side=side), readout))

    @classmethod
    def benchmark_networks(cls, side: int, precision: str) -> list[BenchmarkNetwork]:
        return [BenchmarkNetwork(network=cls(filters=filters), side=8) for filters in (1, 2)]

    @classmethod
    def catalogue(cls) -> list[CatalogueEntry]:
        return [CatalogueEntry(name="toy", dataset="none", image=ImageShape(1, 8, 3), network=cls(filters=2))]


class PackedToy(nn.Module):
    """R replicas of ``Toy``, as ``scaling.models.build`` wants them."""

    def __init__(self, spec: Toy, image: ImageShape, seeds: Sequence[int]) -> None:
        super().__init__()
        self.spec, self.image = spec, image
        self.weights = stack_replicas(self.init, seeds)

    def init(self, generator: torch.Generator) -> Weights:
        filters, kernel, inputs = self.spec.filters, self.spec.kernel, self.image.channels
        units, classes = self.spec.layer_table(self.image).layers[1].units, self.image.classes
        fan_in = inputs * kernel**2
        return {
            "conv_weight": he_normal(generator, filters, inputs, kernel, kernel, fan_in=fan_in),
            "conv_bias": torch.zeros(filters),
            "readout_weight": lecun_normal(generator, units, classes, fan_in=units),
            "readout_bias": torch.zeros(classes),
        }

    def forward(self, image: Tensor) -> Tensor:
        filters, bias = self.weights["conv_weight"], self.weights["conv_bias"]
        x = F.conv2d(image.float(), filters.flatten(0, 1), bias.flatten())
        x = rearrange(torch.relu(F.max_pool2d(x, 2)), "B (R o) row col -> R B (o row col)", R=len(filters))
        return torch.baddbmm(self.weights["readout_bias"].unsqueeze(1), x, self.weights["readout_weight"])


register(Toy, network="tests.toy_architecture:PackedToy")
