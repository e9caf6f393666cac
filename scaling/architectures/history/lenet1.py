"""LeNet-1 of 1990: two convolutions, each followed by trainable subsampling, and one fully connected layer.

Source: LeCun, Boser, Denker, Henderson, Howard, Hubbard & Jackel, Handwritten digit recognition with a
    back-propagation network, NIPS 2, 396 (1990)

Set here: the output is linear by default. The activation is 1.7159 tanh(2x/3), which the group's paper of
1998 gives. A colour image has one kernel for each colour and map. A network of another width has a whole
multiple of all maps: each map reads all copies of the maps that the published table names.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from scaling.architectures.description import MNIST_IMAGE, CatalogueEntry
from scaling.architectures.history.base import (
    HistoricArchitecture,
    Table,
    all_of,
    one_based,
    subsampling,
    table_convolution,
    widen_table,
)
from scaling.architectures.layers import LayerTable, linear
from scaling.settings import ImageShape


class Lenet1(HistoricArchitecture):
    """LeNet-1: 4 maps, subsampling, 12 maps that read one or two of them, subsampling, and a readout."""

    KERNEL: ClassVar[int] = 5
    """Side of the kernels, in pixels."""
    H3_READS: ClassVar[Table] = one_based(
        [(1,), (1, 2), (1, 2), (2,), (1, 2), (1, 2), (3,), (3, 4), (3, 4), (4,), (3, 4), (3, 4)]
    )
    """Maps of H2 that each map of H3 reads (Table 1 of the paper)."""

    sides: ClassVar[tuple[int, ...]] = (28,)
    filter_step: ClassVar[int] = 4
    benchmark_multipliers: ClassVar[tuple[int, ...]] = (1, 4, 8)

    type: Literal["lenet1"] = "lenet1"

    @classmethod
    def catalogue(cls) -> list[CatalogueEntry]:
        return [
            CatalogueEntry(
                name="lenet1",
                dataset="MNIST",
                image=MNIST_IMAGE,
                network=cls(filters=4),
                published="2,578 parameters, 98,442 connections, 4,635 units with one for the biases",
                source="LeCun et al. 1990, NIPS 2, 396",
                remark=(
                    "About 140,000 multiply-adds are also quoted for this network. That number cannot count"
                    " each connection once."
                ),
            )
        ]

    @property
    def table(self) -> Table:
        """Maps of the first subsampling that each map of the second convolution reads."""
        return widen_table(self.H3_READS, self.multiplier)

    def layer_table(self, image: ImageShape) -> LayerTable:
        first, second = self.filters, len(self.table)
        h1 = table_convolution("h1", all_of(image.channels, maps=first), side=image.side, kernel=self.KERNEL)
        h2 = subsampling("h2", first, side=h1.shape[1])
        h3 = table_convolution("h3", self.table, side=h2.shape[1], kernel=self.KERNEL)
        h4 = subsampling("h4", second, side=h3.shape[1])
        readout = linear("readout", h4.units, outputs=image.classes)
        return LayerTable(image, (h1, h2, h3, h4, readout))
