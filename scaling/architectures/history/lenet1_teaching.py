"""The LeNet-1 of lectures: three filters for each pooled map, average pooling, sigmoid units.

Source: teaching material on LeNet-1 (LeCun et al., NIPS 2, 396 (1990)). Its second convolution has filters
    for each pooled map alone, in place of the published connection table, and its pooling has no weights.

Set here: the output is linear by default, and the pooled averages have no activation of their own. A colour
image has one kernel for each colour and map. At every width, each pooled map has three filters of its own.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from scaling.architectures.description import MNIST_IMAGE, CatalogueEntry
from scaling.architectures.history.base import HistoricArchitecture
from scaling.architectures.layers import LayerTable, convolution, linear, pooling
from scaling.settings import ImageShape


class Lenet1Teaching(HistoricArchitecture):
    """LeNet-1 as it is taught: 4 maps, pooling, 3 maps for each of them, pooling, and a readout."""

    KERNEL: ClassVar[int] = 5
    """Side of the filters, in pixels."""
    FILTERS_PER_MAP: ClassVar[int] = 3
    """Filters that convolve one pooled map."""

    sides: ClassVar[tuple[int, ...]] = (28,)
    filter_step: ClassVar[int] = 4

    type: Literal["lenet1_teaching"] = "lenet1_teaching"

    @classmethod
    def catalogue(cls) -> list[CatalogueEntry]:
        return [
            CatalogueEntry(
                name="lenet1_teaching",
                dataset="MNIST",
                image=MNIST_IMAGE,
                network=cls(filters=4),
                published="layers 2304-576-768-192-10",
                source="teaching material",
                remark=(
                    "It has 232 parameters fewer than lenet1: three filters for each pooled map in place of"
                    " 20 kernels between maps, and pooling without weights."
                ),
            )
        ]

    def layer_table(self, image: ImageShape) -> LayerTable:
        first, second = self.filters, self.FILTERS_PER_MAP * self.filters
        conv1 = convolution("conv1", image.channels, filters=first, side=image.side, kernel=self.KERNEL)
        pool1 = pooling("pool1", first, side=conv1.shape[1])
        conv2 = convolution(
            "conv2", first, filters=second, side=pool1.shape[1], kernel=self.KERNEL, groups=first
        )
        pool2 = pooling("pool2", second, side=conv2.shape[1])
        readout = linear("readout", pool2.units, outputs=image.classes)
        return LayerTable(image, (conv1, pool1, conv2, pool2, readout))
