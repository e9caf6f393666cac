"""LeNet-4 of 1994, R replicas at once.

Sources: see ``scaling.architectures.history.lenet4``.

Set here: biases start at zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor, nn

from scaling.architectures.history.base import all_of, border
from scaling.architectures.history.lenet4 import Lenet4
from scaling.models.described_layers import Convolution, DescribedLayer, Subsampling
from scaling.models.history import operations as ops
from scaling.models.initialization import Weights, stack_replicas
from scaling.settings import ImageShape


class PackedLenet4(nn.Module):
    """Networks from image to logits."""

    def __init__(self, spec: Lenet4, image: ImageShape, seeds: Sequence[int]) -> None:
        super().__init__()
        self.spec, self.image = spec, image
        self.place_c3 = ops.KernelPlacement(spec.c3_table, inputs=2 * spec.filters)
        self.place_c5 = ops.KernelPlacement(spec.c5_table, inputs=len(spec.c3_table))
        self.weights = stack_replicas(self.init, seeds)

    def init(self, generator: torch.Generator) -> Weights:
        """Draw the weights and biases of one replica."""
        draw = partial(ops.uniform, generator, self.spec)
        draw_kernels = partial(ops.uniform_kernels, generator, self.spec, kernel=self.spec.KERNEL)
        kernel, colours, first = self.spec.KERNEL, self.image.channels, self.spec.filters
        second, hidden = len(self.spec.c3_table), len(self.spec.c5_table)
        return {
            "c1_weight": draw(first, colours, kernel, kernel, fan_in=colours * kernel**2),
            "c1_bias": torch.zeros(first),
            "s2_weight": draw(2 * first, fan_in=4),
            "s2_bias": torch.zeros(2 * first),
            "c3_weight": draw_kernels(self.spec.c3_table),
            "c3_bias": torch.zeros(second),
            "s4_weight": draw(second, fan_in=4),
            "s4_bias": torch.zeros(second),
            # S4 has maps of 5x5 pixels, the size of a kernel.
            "c5_weight": draw_kernels(self.spec.c5_table),
            "c5_bias": torch.zeros(hidden),
            "readout_weight": draw(self.image.classes, hidden, fan_in=hidden),
            "readout_bias": torch.zeros(self.image.classes),
        }

    def forward(self, image: Float[Tensor, "B C side side"]) -> Float[Tensor, "R B classes"]:
        w = {name: weight.to(image.dtype) for name, weight in self.weights.items()}
        R = len(w["c1_weight"])
        x = ops.add_border(image, border(self.image), background=self.spec.BACKGROUND)
        x = ops.scaled_tanh(ops.add_biases(ops.convolve(x, w["c1_weight"], is_image=True), w["c1_bias"]))
        # All copies of a published map, then all copies of the next, as in the connection tables.
        # The last axis in memory stays that of the maps: torch averages windows faster then.
        x = repeat(
            ops.sum_windows(x).permute(0, 2, 3, 1),
            "B row col (R map copy) -> B row col (R map pair copy)",
            R=R,
            copy=self.spec.multiplier,
            pair=2,
        ).permute(0, 3, 1, 2)
        x = ops.scaled_tanh(ops.scale_maps(x, w["s2_weight"], w["s2_bias"]))
        x = ops.convolve(x, self.place_c3(w["c3_weight"]))
        x = ops.scaled_tanh(ops.add_biases(x, w["c3_bias"]))
        x = ops.scaled_tanh(ops.subsample(x, w["s4_weight"], w["s4_bias"]))
        units = ops.connect(ops.to_features(x, R), self.place_c5(w["c5_weight"]).flatten(2), w["c5_bias"])
        return ops.output(
            ops.scaled_tanh(units),
            self.weights["readout_weight"],
            self.weights["readout_bias"],
            spec=self.spec,
        )

    def described_layers(self) -> list[DescribedLayer]:
        """Return the layers for compiled training steps."""
        spec, copies = self.spec, self.spec.multiplier
        convolution = partial(Convolution, kernel=spec.KERNEL, activation="scaled_tanh")
        subsampling = partial(Subsampling, activation="scaled_tanh")
        pairs = [[*range(first, first + copies)] * 2 for first in range(0, spec.filters, copies)]
        return [
            convolution(
                name="c1",
                table=all_of(self.image.channels, maps=spec.filters),
                padding=border(self.image),
                background=spec.BACKGROUND,
            ),
            subsampling(name="s2", sources=tuple(source for pair in pairs for source in pair)),
            convolution(name="c3", table=spec.c3_table),
            subsampling(name="s4", sources=tuple(range(len(spec.c3_table)))),
            convolution(name="c5", table=spec.c5_table),
            ops.described_readout(spec, self.image.classes),
        ]
