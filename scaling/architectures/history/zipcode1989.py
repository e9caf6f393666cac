"""The zip-code network of 1989: two convolutions with stride 2, and two fully connected layers.

Source: LeCun, Boser, Denker, Henderson, Howard, Hubbard & Jackel, Backpropagation applied to handwritten zip
    code recognition, Neural Computation 1, 541 (1989). doi:10.1162/neco.1989.1.4.541

Set here: the output is linear by default. The paper does not say which 8 of the 12 maps of H1 a map of H2
reads; here, three blocks of four maps read the same 8, as in github.com/karpathy/lecun1989-repro. The padding
is -1 around the maps of H1 too, and for every range of the pixels. The tanh has no scales; the group's
constants 1.7159 and 2/3 are those of 1998. A network of another width has a whole multiple of all maps and of
the units of H3: each map of H2 reads all copies of its 8 maps.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from scaling.architectures.description import USPS_IMAGE, CatalogueEntry
from scaling.architectures.history.base import (
    HistoricArchitecture,
    Table,
    all_of,
    table_convolution,
    widen_table,
)
from scaling.architectures.layers import LayerTable, linear
from scaling.settings import ImageShape


class Zipcode1989(HistoricArchitecture):
    """The zip-code network: 12 maps, 12 maps that read 8 of them, 30 hidden units, and a readout."""

    KERNEL: ClassVar[int] = 5
    """Side of the kernels, in pixels."""
    STRIDE: ClassVar[int] = 2
    PADDING: ClassVar[int] = 2
    BACKGROUND: ClassVar[float] = -1.0
    """Value of the padding: the background of images between -1 and 1."""
    H2_READS: ClassVar[Table] = (
        *(tuple(range(8)),) * 4,
        *(tuple(range(4, 12)),) * 4,
        *((*range(4), *range(8, 12)),) * 4,
    )
    """Maps of H1 that each map of H2 reads."""
    H3_UNITS: ClassVar[int] = 30
    """Hidden units of the published network."""

    sides: ClassVar[tuple[int, ...]] = (16,)
    filter_step: ClassVar[int] = 12
    squashing: ClassVar[Literal["tanh", "scaled_tanh"]] = "tanh"

    type: Literal["zipcode1989"] = "zipcode1989"

    @classmethod
    def catalogue(cls) -> list[CatalogueEntry]:
        return [
            CatalogueEntry(
                name="zipcode1989",
                dataset="USPS",
                image=USPS_IMAGE,
                network=cls(filters=12),
                published="9,760 parameters, 64,660 connections, 1,256 units",
                source="LeCun et al. 1989, Neural Comput. 1, 541",
            )
        ]

    @property
    def table(self) -> Table:
        """Maps of the first convolution that each map of the second convolution reads."""
        return widen_table(self.H2_READS, self.multiplier)

    def layer_table(self, image: ImageShape) -> LayerTable:
        h1 = table_convolution(
            "h1",
            all_of(image.channels, maps=self.filters),
            side=image.side,
            kernel=self.KERNEL,
            stride=self.STRIDE,
            padding=self.PADDING,
            biases="unit",
        )
        h2 = table_convolution(
            "h2",
            self.table,
            side=h1.shape[1],
            kernel=self.KERNEL,
            stride=self.STRIDE,
            padding=self.PADDING,
            biases="unit",
        )
        h3 = linear("h3", h2.units, outputs=self.H3_UNITS * self.multiplier)
        readout = linear("readout", h3.units, outputs=image.classes)
        return LayerTable(image, (h1, h2, h3, readout))
