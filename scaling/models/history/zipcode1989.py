"""The zip-code network of 1989, R replicas at once.

Sources: see ``scaling.architectures.history.zipcode1989``.

Set here: biases start at zero, and the fan-in does not count the bias.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from scaling.architectures.history.base import all_of
from scaling.architectures.history.zipcode1989 import Zipcode1989
from scaling.models.described_layers import Convolution, DescribedLayer, FullyConnected
from scaling.models.history import operations as ops
from scaling.models.initialization import Weights, stack_replicas
from scaling.settings import ImageShape


class PackedZipcode1989(nn.Module):
    """Networks from image to logits."""

    def __init__(self, spec: Zipcode1989, image: ImageShape, seeds: Sequence[int]) -> None:
        super().__init__()
        self.spec, self.image = spec, image
        self.place_kernels = ops.KernelPlacement(spec.table, inputs=spec.filters)
        self.weights = stack_replicas(self.init, seeds)

    def init(self, generator: torch.Generator) -> Weights:
        """Draw the weights and biases of one replica."""
        draw = partial(ops.uniform, generator, self.spec)
        kernel, colours = self.spec.KERNEL, self.image.channels
        h1, h2, h3, readout = self.spec.layer_table(self.image).layers
        return {
            "h1_weight": draw(h1.shape[0], colours, kernel, kernel, fan_in=colours * kernel**2),
            "h1_bias": torch.zeros(h1.shape),
            "h2_weight": ops.uniform_kernels(generator, self.spec, self.spec.table, kernel=kernel),
            "h2_bias": torch.zeros(h2.shape),
            "h3_weight": draw(h3.units, h2.units, fan_in=h2.units),
            "h3_bias": torch.zeros(h3.units),
            "readout_weight": draw(readout.units, h3.units, fan_in=h3.units),
            "readout_bias": torch.zeros(readout.units),
        }

    def forward(self, image: Float[Tensor, "B C side side"]) -> Float[Tensor, "R B classes"]:
        w = {name: weight.to(image.dtype) for name, weight in self.weights.items()}
        pad = partial(ops.add_border, pixels=self.spec.PADDING, background=self.spec.BACKGROUND)
        x = ops.convolve(pad(image), w["h1_weight"], stride=self.spec.STRIDE, is_image=True)
        x = torch.tanh(ops.add_biases(x, w["h1_bias"]))
        filters = self.place_kernels(w["h2_weight"])
        x = ops.convolve(pad(x), filters, stride=self.spec.STRIDE)
        x = torch.tanh(ops.add_biases(x, w["h2_bias"]))
        features = torch.tanh(ops.connect(ops.to_features(x, len(filters)), w["h3_weight"], w["h3_bias"]))
        return ops.output(
            features, self.weights["readout_weight"], self.weights["readout_bias"], spec=self.spec
        )

    def described_layers(self) -> list[DescribedLayer]:
        """Return the layers for compiled training steps."""
        spec = self.spec
        convolution = partial(
            Convolution,
            kernel=spec.KERNEL,
            stride=spec.STRIDE,
            padding=spec.PADDING,
            background=spec.BACKGROUND,
            activation="tanh",
        )
        hidden = spec.H3_UNITS * spec.multiplier
        return [
            convolution(name="h1", table=all_of(self.image.channels, maps=spec.filters)),
            convolution(name="h2", table=spec.table),
            FullyConnected(name="h3", units=hidden, activation="tanh"),
            ops.described_readout(spec, self.image.classes),
        ]
