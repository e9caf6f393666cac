"""The LeNet-1 of lectures, R replicas at once.

Sources: see ``scaling.architectures.history.lenet1_teaching``.

Set here: biases start at zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from scaling.architectures.history.base import all_of
from scaling.architectures.history.lenet1_teaching import Lenet1Teaching
from scaling.models.described_layers import Convolution, DescribedLayer, Subsampling
from scaling.models.history import operations as ops
from scaling.models.initialization import Weights, stack_replicas
from scaling.settings import ImageShape


class PackedLenet1Teaching(nn.Module):
    """Networks from image to logits."""

    def __init__(self, spec: Lenet1Teaching, image: ImageShape, seeds: Sequence[int]) -> None:
        super().__init__()
        self.spec, self.image = spec, image
        self.weights = stack_replicas(self.init, seeds)

    def init(self, generator: torch.Generator) -> Weights:
        """Draw the weights and biases of one replica."""
        draw = partial(ops.uniform, generator, self.spec)
        kernel, colours = self.spec.KERNEL, self.image.channels
        conv1, _, conv2, pool2, readout = self.spec.layer_table(self.image).layers
        first, second = conv1.shape[0], conv2.shape[0]
        return {
            "conv1_weight": draw(first, colours, kernel, kernel, fan_in=colours * kernel**2),
            "conv1_bias": torch.zeros(first),
            "conv2_weight": draw(second, 1, kernel, kernel, fan_in=kernel**2),
            "conv2_bias": torch.zeros(second),
            "readout_weight": draw(readout.units, pool2.units, fan_in=pool2.units),
            "readout_bias": torch.zeros(readout.units),
        }

    def forward(self, image: Float[Tensor, "B C side side"]) -> Float[Tensor, "R B classes"]:
        w = {name: weight.to(image.dtype) for name, weight in self.weights.items()}
        x = ops.add_biases(ops.convolve(image, w["conv1_weight"], is_image=True), w["conv1_bias"])
        x = F.avg_pool2d(torch.sigmoid(x), 2)
        # Each pooled map is a group of its own, as a replica is in the other convolutions.
        filters = rearrange(
            w["conv2_weight"],
            "R (maps filters) c row col -> (R maps) filters c row col",
            filters=self.spec.FILTERS_PER_MAP,
        )
        x = ops.add_biases(ops.convolve(x, filters), w["conv2_bias"])
        features = ops.to_features(F.avg_pool2d(torch.sigmoid(x), 2), len(w["conv2_bias"]))
        return ops.output(
            features, self.weights["readout_weight"], self.weights["readout_bias"], spec=self.spec
        )

    def described_layers(self) -> list[DescribedLayer]:
        """Return the layers for compiled training steps."""
        first, second = (len(self.weights[f"{name}_bias"][0]) for name in ("conv1", "conv2"))
        table = tuple((target // self.spec.FILTERS_PER_MAP,) for target in range(second))
        convolution = partial(Convolution, kernel=self.spec.KERNEL, activation="sigmoid")
        pooling = partial(Subsampling, name="", activation="linear")
        return [
            convolution(name="conv1", table=all_of(self.image.channels, maps=first)),
            pooling(sources=tuple(range(first))),
            convolution(name="conv2", table=table),
            pooling(sources=tuple(range(second))),
            ops.described_readout(self.spec, self.image.classes),
        ]
