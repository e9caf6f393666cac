"""VGG for small images, generalised to any width, with batch norm and one linear layer as its classifier.

Sources: Simonyan & Zisserman, ICLR 2015, arXiv:1409.1556 (their networks A, B and D: depths 11, 13 and 16, counted with three linear layers);
    widened at fixed ratios: Meir, Tevet, Tzach, Hodassman, Gross & Kanter, Sci. Rep. 13, 5423 (2023), doi:10.1038/s41598-023-32559-8;
    pooling next to the output: Meir et al., Sci. Rep. 13, 13385 (2023), doi:10.1038/s41598-023-40566-y

Legend: F is ``filters``, those of the first block; the five blocks have F, 2F, 4F, 8F and 8F.

Set here, because no source gives their wiring: depth 6 has one convolution a block and depth 8 two in the third and the fourth, which with the
linear layer makes 6 and 8 layers that multiply; with ``pooling: output`` the first two blocks end in 2x2 pooling as usual, and the other three
poolings are one of 8x8 pixels after the last convolution. Images of 28x28 are padded to 32x32. Weights are He-normal.
"""

from __future__ import annotations

from typing import Annotated, Literal

from scaling.architectures.layers import Layer, LayerTable, convolution, linear, normalisation, pooling
from scaling.architectures.mup import MupArchitecture
from scaling.settings import IdentityDefault, ImageShape, Problem

CONVOLUTIONS = {
    6: (1, 1, 1, 1, 1),
    8: (1, 1, 2, 2, 1),
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
}
"""Of each block, by depth."""
WIDER = (1, 2, 4, 8, 8)
"""Filters of each block, over those of the first."""
KERNEL, EARLY = 3, 2
"""Side of all filters; blocks that end in pooling whatever ``pooling`` says."""


class Vgg(MupArchitecture):
    """Five blocks of convolutions that keep their maps' size, each normalised and rectified."""

    type: Literal["vgg"] = "vgg"
    depth: Literal[6, 8, 11, 13, 16] = 16
    pooling: Annotated[Literal["blocks", "output"], IdentityDefault("blocks")] = "blocks"
    """Where maps are pooled: 2x2 after each block, or the last three times at once, next to the output."""

    def padding(self, image: ImageShape) -> int:
        """Pixels added on each side of an image."""
        return 2 if image.side == 28 else 0

    def window(self, block: int) -> int:
        """Side of the pooling after a block, counted from 0; 1 for none."""
        if self.pooling == "blocks" or block < EARLY:
            return 2
        return 2 ** (len(WIDER) - EARLY) if block == len(WIDER) - 1 else 1

    def problem(self, image: ImageShape) -> Problem | None:
        least = 2 ** len(WIDER)
        return (
            Problem("type", f"needs images of at least {least}x{least}")
            if image.side + 2 * self.padding(image) < least
            else None
        )

    def layer_table(self, image: ImageShape) -> LayerTable:
        side, channels = image.side + 2 * self.padding(image), image.channels
        table: list[Layer] = []
        for block, (count, wider) in enumerate(zip(CONVOLUTIONS[self.depth], WIDER, strict=True)):
            for nth in range(1, count + 1):
                table.append(
                    convolution(
                        f"conv{block + 1}_{nth}",
                        channels,
                        wider * self.filters,
                        side,
                        KERNEL,
                        padding=KERNEL // 2,
                    )
                )
                channels = wider * self.filters
                table.append(normalisation(f"norm{block + 1}_{nth}", channels, side))
            if (window := self.window(block)) > 1:
                table.append(pooling(f"pool{block + 1}", channels, side, window))
                side //= window
        return LayerTable(image, (*table, linear("readout", channels * side**2, image.classes)))
