"""LeNet-1 of 1990, R replicas at once.

Sources: see ``scaling.architectures.history.lenet1``.

Set here: biases start at zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from scaling.architectures.history.base import all_of
from scaling.architectures.history.lenet1 import Lenet1
from scaling.models.described_layers import Activation, Convolution, DescribedLayer, Subsampling
from scaling.models.history import operations as ops
from scaling.models.initialization import Weights, stack_replicas
from scaling.settings import ImageShape


class PackedLenet1(nn.Module):
    """Networks from image to logits."""

    def __init__(self, spec: Lenet1, image: ImageShape, seeds: Sequence[int]) -> None:
        super().__init__()
        self.spec, self.image = spec, image
        # Each half of H3 reads one half of H2. In a narrow network, two convolutions would take more time.
        halves = 2 if spec.multiplier > 2 else 1
        self.place = ops.KernelPlacement(spec.table, inputs=spec.filters, groups=halves)
        self.weights = stack_replicas(self.init, seeds)

    def init(self, generator: torch.Generator) -> Weights:
        """Draw the weights and biases of one replica."""
        draw = partial(ops.uniform, generator, self.spec)
        kernel, table, colours = self.spec.KERNEL, self.spec.table, self.image.channels
        first, second = self.spec.filters, len(table)
        units = self.spec.layer_table(self.image).layers[3].units
        return {
            "h1_weight": ops.uniform(
                generator, self.spec, first, colours, kernel, kernel, fan_in=colours * kernel**2
            ),
            "h1_bias": torch.zeros(first),
            "h2_weight": draw(first, fan_in=4),
            "h2_bias": torch.zeros(first),
            "h3_weight": ops.uniform_kernels(generator, self.spec, table, kernel=kernel),
            "h3_bias": torch.zeros(second),
            "h4_weight": draw(second, fan_in=4),
            "h4_bias": torch.zeros(second),
            "readout_weight": draw(self.image.classes, units, fan_in=units),
            "readout_bias": torch.zeros(self.image.classes),
        }

    def forward(self, image: Float[Tensor, "B C side side"]) -> Float[Tensor, "R B classes"]:
        w = {name: weight.to(image.dtype) for name, weight in self.weights.items()}
        x = ops.add_biases(ops.convolve(image, w["h1_weight"], is_image=True), w["h1_bias"])
        x = ops.scaled_tanh(ops.subsample(ops.scaled_tanh(x), w["h2_weight"], w["h2_bias"]))
        x = ops.scaled_tanh(ops.add_biases(ops.convolve(x, self.place(w["h3_weight"])), w["h3_bias"]))
        x = ops.scaled_tanh(ops.subsample(x, w["h4_weight"], w["h4_bias"]))
        features = ops.to_features(x, len(w["h3_bias"]))
        return ops.output(
            features, self.weights["readout_weight"], self.weights["readout_bias"], spec=self.spec
        )

    def described_layers(self) -> list[DescribedLayer]:
        """Return the layers for compiled training steps."""
        spec, kernel = self.spec, self.spec.KERNEL
        squash: Activation = "scaled_tanh"
        first, second = spec.filters, len(spec.table)
        colours = all_of(self.image.channels, maps=first)
        return [
            Convolution(name="h1", table=colours, kernel=kernel, activation=squash),
            Subsampling(name="h2", sources=tuple(range(first)), activation=squash),
            Convolution(name="h3", table=spec.table, kernel=kernel, activation=squash),
            Subsampling(name="h4", sources=tuple(range(second)), activation=squash),
            ops.described_readout(spec, self.image.classes),
        ]
