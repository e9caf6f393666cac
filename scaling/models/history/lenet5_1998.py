"""LeNet-5 as published in 1998, R replicas at once.

Sources: see ``scaling.architectures.history.lenet5_1998``.

Set here: biases start at zero. The output codes are a buffer, so they are stored with the weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from scaling.architectures.history.base import all_of, border
from scaling.architectures.history.digit_codes import DIGIT_CODES
from scaling.architectures.history.lenet5_1998 import Lenet5Of1998
from scaling.models.described_layers import (
    Convolution,
    DescribedLayer,
    Distances,
    FullyConnected,
    Subsampling,
)
from scaling.models.history import operations as ops
from scaling.models.initialization import Weights, stack_replicas
from scaling.settings import ImageShape


class PackedLenet5Of1998(nn.Module):
    """Networks from image to logits: minus the squared distances to the codes of the classes."""

    codes: Float[Tensor, "R classes units"]

    def __init__(self, spec: Lenet5Of1998, image: ImageShape, seeds: Sequence[int]) -> None:
        super().__init__()
        self.spec, self.image = spec, image
        self.place = ops.KernelPlacement(spec.table, inputs=spec.filters)
        self.weights = stack_replicas(self.init, seeds)
        self.register_buffer("codes", torch.tensor(DIGIT_CODES).float().repeat(len(seeds), 1, 1))

    def init(self, generator: torch.Generator) -> Weights:
        """Draw the weights and biases of one replica."""
        draw = partial(ops.uniform, generator, self.spec)
        kernel, colours, table = self.spec.KERNEL, self.image.channels, self.spec.table
        _, s2, c3, s4, c5, f6, _ = (layer.shape[0] for layer in self.spec.layer_table(self.image).layers)
        pixels = s4 * kernel**2
        return {
            "c1_weight": draw(s2, colours, kernel, kernel, fan_in=colours * kernel**2),
            "c1_bias": torch.zeros(s2),
            "s2_weight": draw(s2, fan_in=4),
            "s2_bias": torch.zeros(s2),
            "c3_weight": ops.uniform_kernels(generator, self.spec, table, kernel=kernel),
            "c3_bias": torch.zeros(c3),
            "s4_weight": draw(s4, fan_in=4),
            "s4_bias": torch.zeros(s4),
            "c5_weight": draw(c5, pixels, fan_in=pixels),
            "c5_bias": torch.zeros(c5),
            "f6_weight": draw(f6, c5, fan_in=c5),
            "f6_bias": torch.zeros(f6),
        }

    def forward(self, image: Float[Tensor, "B C side side"]) -> Float[Tensor, "R B classes"]:
        w = {name: weight.to(image.dtype) for name, weight in self.weights.items()}
        x = ops.add_border(image, border(self.image), background=self.spec.BACKGROUND)
        x = ops.add_biases(ops.convolve(x, w["c1_weight"], is_image=True), w["c1_bias"])
        x = ops.scaled_tanh(ops.subsample(ops.scaled_tanh(x), w["s2_weight"], w["s2_bias"]))
        x = ops.add_biases(ops.convolve(x, self.place(w["c3_weight"])), w["c3_bias"])
        x = ops.scaled_tanh(ops.subsample(ops.scaled_tanh(x), w["s4_weight"], w["s4_bias"]))
        units = ops.to_features(x, len(self.codes))
        for layer in ("c5", "f6"):
            units = ops.scaled_tanh(ops.connect(units, w[f"{layer}_weight"], w[f"{layer}_bias"]))
        return ops.radial_basis(units, self.codes)

    def described_layers(self) -> list[DescribedLayer]:
        """Return the layers for compiled training steps."""
        spec = self.spec
        convolution = partial(Convolution, kernel=spec.KERNEL, activation="scaled_tanh")
        subsampling = partial(Subsampling, activation="scaled_tanh")
        connected = partial(FullyConnected, activation="scaled_tanh")
        return [
            convolution(
                name="c1",
                table=all_of(self.image.channels, maps=spec.filters),
                padding=border(self.image),
                background=spec.BACKGROUND,
            ),
            subsampling(name="s2", sources=tuple(range(spec.filters))),
            convolution(name="c3", table=spec.table),
            subsampling(name="s4", sources=tuple(range(len(spec.table)))),
            connected(name="c5", units=len(self.weights["c5_bias"][0])),
            connected(name="f6", units=len(self.weights["f6_bias"][0])),
            Distances(name="codes"),
        ]
