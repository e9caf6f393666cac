"""VGG for small images, generalised to any width, with batch norm and one linear layer as its classifier.

Sources: Simonyan & Zisserman, ICLR 2015, arXiv:1409.1556 (their networks A, B and D: depths 11, 13 and 16,
    counted with three linear layers);
    widened at fixed ratios: Meir, Tevet, Tzach, Hodassman, Gross & Kanter, Sci. Rep. 13, 5423 (2023),
    doi:10.1038/s41598-023-32559-8;
    pooling next to the output: Meir et al., Sci. Rep. 13, 13385 (2023), doi:10.1038/s41598-023-40566-y

Legend: F is ``filters``, the filters of the first block; the five blocks have F, 2F, 4F, 8F and 8F.

Set here, because no source gives the wiring: depth 6 has one convolution per block, and depth 8 two in the
third and the fourth; with the linear layer these are 6 and 8 layers with weights. With ``pooling: output``
the first two blocks end in 2x2 pooling as usual, and the other three poolings become one of 8x8 pixels after
the last convolution. Images of 28x28 are padded to 32x32. Weights are He-normal.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from scaling.architectures.description import (
    CIFAR10_IMAGE,
    SET_HERE,
    BenchmarkNetwork,
    CatalogueEntry,
    MemoryProfile,
    Precision,
    SettingLabel,
)
from scaling.architectures.layers import Layer, LayerTable, convolution, linear, normalisation, pooling
from scaling.architectures.mup import MupArchitecture
from scaling.settings import IdentityDefault, ImageShape, Problem

Depth = Literal[6, 8, 11, 13, 16]

_CONVOLUTIONS: dict[Depth, tuple[int, ...]] = {
    6: (1, 1, 1, 1, 1),
    8: (1, 1, 2, 2, 1),
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
}
"""Number of convolutions of each block, by depth."""
_WIDTH_FACTORS = (1, 2, 4, 8, 8)
"""Filters of each block over the filters of the first."""
_ALWAYS_POOLED_BLOCKS = 2
"""Number of blocks that end in 2x2 pooling with either value of ``pooling``."""
_PUBLISHED_COUNTS: dict[Depth, str] = {
    11: "features 9,225,984",
    13: "features 9,410,880",
    16: "14,728,266 parameters, features 14,723,136",
}
"""Published counts for 64 filters and ten classes, by depth; features are all layers but the last."""


class Vgg(MupArchitecture):
    """Five blocks of convolutions that keep the size of their maps, each with batch norm and ReLU."""

    KERNEL: ClassVar[int] = 3
    """Side of all filters, in pixels."""

    memory_profile: ClassVar[MemoryProfile] = MemoryProfile(fp32_evaluation_copies=1, bf16_channel_multiple=4)
    setting_labels: ClassVar[dict[str, SettingLabel]] = {"pooling": SettingLabel(plural="{} pooling")}
    timed_by_depth: ClassVar[bool] = True

    type: Literal["vgg"] = "vgg"
    depth: Depth = 16
    """Depth of the published network. From 11 on, it counts three linear layers; this one has one."""
    pooling: Annotated[Literal["blocks", "output"], IdentityDefault("blocks")] = "blocks"
    """Position of the pooling: 2x2 after each block, or the last three at once, next to the output."""

    @classmethod
    def benchmark_networks(cls, side: int, precision: Precision) -> list[BenchmarkNetwork]:
        if side != CIFAR10_IMAGE.side:  # the channels of the image change only the first of many layers
            return []
        widths: dict[Depth, tuple[int, ...]] = (
            {6: (1, 4, 8, 16), 11: (1, 4, 8), 16: (1, 4, 8, 12)}
            if precision == "bf16"
            else {6: (1, 8), 16: (1, 8)}
        )
        return [
            BenchmarkNetwork(network=cls(filters=filters, depth=depth), side=side)
            for depth in widths
            for filters in widths[depth]
        ]

    @classmethod
    def catalogue(cls) -> list[CatalogueEntry]:
        entries = []
        for depth in _CONVOLUTIONS:
            network, name = cls(filters=64, depth=depth), f"vgg, 64 filters, depth {depth}"
            published = _PUBLISHED_COUNTS.get(depth, "")
            entries += [
                CatalogueEntry(
                    name=name,
                    dataset="CIFAR-10",
                    image=CIFAR10_IMAGE,
                    network=network,
                    published=published,
                    source=f"torchvision's vgg{depth}_bn; one linear layer" if published else SET_HERE,
                ),
                CatalogueEntry(
                    name=f"{name}, pooling next to the output",
                    dataset="CIFAR-10",
                    image=CIFAR10_IMAGE,
                    network=network.model_copy(update={"pooling": "output"}),
                ),
            ]
        return entries

    @property
    def convolutions_per_block(self) -> tuple[int, ...]:
        return _CONVOLUTIONS[self.depth]

    def padding(self, image: ImageShape) -> int:
        """Return the pixels added on each side of an image."""
        return 2 if image.side == 28 else 0

    def pooling_window(self, block: int) -> int:
        """Return the side of the pooling after a block, counted from 0; 1 without pooling."""
        if self.pooling == "blocks" or block < _ALWAYS_POOLED_BLOCKS:
            return 2
        last = len(_WIDTH_FACTORS) - 1
        return 2 ** (len(_WIDTH_FACTORS) - _ALWAYS_POOLED_BLOCKS) if block == last else 1

    def problem(self, image: ImageShape) -> Problem | None:
        least = 2 ** len(_WIDTH_FACTORS)
        if image.side + 2 * self.padding(image) < least:
            return Problem("type", f"needs images of at least {least}x{least}")
        return None

    def layer_table(self, image: ImageShape) -> LayerTable:
        side, channels = image.side + 2 * self.padding(image), image.channels
        layers: list[Layer] = []
        for block, (count, factor) in enumerate(
            zip(self.convolutions_per_block, _WIDTH_FACTORS, strict=True)
        ):
            for nth in range(1, count + 1):
                filters = factor * self.filters
                conv = convolution(
                    f"conv{block + 1}_{nth}",
                    channels,
                    filters=filters,
                    side=side,
                    kernel=self.KERNEL,
                    padding=self.KERNEL // 2,
                )
                channels = filters
                layers += [conv, normalisation(f"norm{block + 1}_{nth}", channels, side=side)]
            if (window := self.pooling_window(block)) > 1:
                layers.append(pooling(f"pool{block + 1}", channels, side=side, window=window))
                side //= window
        return LayerTable(image, (*layers, linear("readout", channels * side**2, outputs=image.classes)))
