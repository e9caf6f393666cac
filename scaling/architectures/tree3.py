"""Tree-3: one convolution, one tree layer, one readout.

Source: Meir, Ben-Noam, Tzach, Hodassman & Kanter, Sci. Rep. 13, 962 (2023), Fig. 1c and Methods. doi:10.1038/s41598-023-27986-6

Set here: no biases unless asked for, logits out, and 2 rows a strip by default, which is the geometry for CIFAR-10 (4 for MNIST).
"""

from __future__ import annotations

from typing import Annotated, Literal

from scaling.architectures.base import Architecture
from scaling.architectures.layers import Layer, LayerTable, convolution, linear, pooling
from scaling.settings import IdentityDefault, ImageShape, PositiveInt, Problem

KERNEL = 5


class Tree3(Architecture):
    """Each pooled unit feeds exactly one unit of each branch: from a weight of the convolution one route leads to an output."""

    type: Literal["tree3"] = "tree3"
    branches: Annotated[PositiveInt, IdentityDefault(16)] = 16
    """M of the paper."""
    rows: PositiveInt = 2
    """Rows of the pooled map that one tree unit sees, over the map's whole width; must divide the map."""
    activation: Annotated[Literal["sigmoid", "relu"], IdentityDefault("sigmoid")] = "sigmoid"
    biases: Annotated[bool, IdentityDefault(False)] = False

    def pooled(self, image: ImageShape) -> int:
        """Side of the pooled map."""
        return (image.side - KERNEL + 1) // 2

    def strips(self, image: ImageShape) -> int:
        """Strips of the pooled map."""
        return self.pooled(image) // self.rows

    def problem(self, image: ImageShape) -> Problem | None:
        side = self.pooled(image)
        if side < 1:
            return Problem("type", f"needs images of at least {KERNEL + 1}x{KERNEL + 1}")
        if side % self.rows:
            divisors = ", ".join(str(n) for n in range(1, side + 1) if side % n == 0)
            return Problem(
                "rows", f"must divide the {side} rows of the pooled map: {divisors}; not {self.rows}"
            )
        return None

    def layer_table(self, image: ImageShape) -> LayerTable:
        side, strips, bias = self.pooled(image), self.strips(image), self.biases
        channels = image.channels * self.filters
        units = self.branches * image.channels * strips
        weights = self.branches * channels * side**2
        return LayerTable(
            image,
            (
                convolution(
                    "conv", image.channels, channels, image.side, KERNEL, groups=image.channels, bias=bias
                ),
                pooling("pool", channels, image.side - KERNEL + 1),
                Layer(
                    name="tree",
                    shape=(self.branches, image.channels, strips),
                    parameters=weights + bias * units,
                    connections=weights + bias * units,
                    macs=weights,
                ),
                linear("readout", units, image.classes, bias=bias),
            ),
        )
