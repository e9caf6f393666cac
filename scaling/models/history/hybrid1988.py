"""The classifier of the hybrid of 1988, R replicas at once.

Sources: see ``scaling.architectures.history.hybrid1988``.

Set here: biases start at zero, and the fan-in does not count the bias.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from jaxtyping import Float
from torch import Tensor, nn

from scaling.architectures.history.hybrid1988 import Hybrid1988
from scaling.models.described_layers import DescribedLayer, FullyConnected
from scaling.models.history import operations as ops
from scaling.models.initialization import Weights, stack_replicas
from scaling.settings import ImageShape


class PackedHybrid1988(nn.Module):
    """Networks from image to logits.

    The weights of a hidden unit have the axes of the image, so that those of a unit that sees pixels are a
    picture.
    """

    def __init__(self, spec: Hybrid1988, image: ImageShape, seeds: Sequence[int]) -> None:
        super().__init__()
        self.spec, self.image = spec, image
        self.weights = stack_replicas(self.init, seeds)

    def init(self, generator: torch.Generator) -> Weights:
        """Draw the weights and biases of one replica."""
        hidden, classes = self.spec.filters, self.image.classes
        seen = (self.image.channels, self.image.side, self.image.side)
        return {
            "hidden_weight": ops.uniform(generator, self.spec, hidden, *seen, fan_in=prod(seen)),
            "hidden_bias": torch.zeros(hidden),
            "readout_weight": ops.uniform(generator, self.spec, classes, hidden, fan_in=hidden),
            "readout_bias": torch.zeros(classes),
        }

    def forward(self, image: Float[Tensor, "B C side side"]) -> Float[Tensor, "R B classes"]:
        w = {name: weight.to(image.dtype) for name, weight in self.weights.items()}
        inputs = image.flatten(1).expand(len(w["hidden_weight"]), -1, -1)
        hidden = torch.tanh(ops.connect(inputs, w["hidden_weight"].flatten(2), w["hidden_bias"]))
        return ops.output(
            hidden, self.weights["readout_weight"], self.weights["readout_bias"], spec=self.spec
        )

    def described_layers(self) -> list[DescribedLayer]:
        """Return the layers for compiled training steps."""
        hidden = FullyConnected(name="hidden", units=self.spec.filters, activation="tanh")
        return [hidden, ops.described_readout(self.spec, self.image.classes)]
