"""LeNet-5 as published in 1998: a sparse second convolution, and distances to fixed codes as output.

Source: LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document recognition,
    Proc. IEEE 86(11), 2278 (1998), Section II.B and Table I. doi:10.1109/5.726791

Each of the 84 units of F6 is compared with one pixel of a drawing of the class. An output of the paper is the
squared distance between the units and the code: a penalty, smallest for the recognised class.

Set here: a logit is minus the distance, so the largest logit is the smallest penalty. The cross entropy of
these logits is then the paper's discriminative criterion (Section II.C) without its constant j, which keeps
it from raising penalties of wrong classes that are large already. The codes are drawn here (see
``digit_codes``), and other numbers of classes than ten are refused. The products with the fixed codes count
as multiply-adds. An image of 28x28 pixels gets a border of 2 pixels of -0.1, the background of the paper. A
colour image has one kernel for each colour and map. A network of another width has a whole multiple of all
maps, and of the units of C5; F6 always has 84 units. C5 is described as fully connected, which the paper's
convolution is for this image size.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from scaling.architectures.description import MNIST_IMAGE, CatalogueEntry
from scaling.architectures.history import digit_codes
from scaling.architectures.history.base import (
    PublishedArchitecture,
    Table,
    all_of,
    border,
    circular,
    subsampling,
    table_convolution,
    widen_table,
)
from scaling.architectures.layers import Layer, LayerKind, LayerTable, linear
from scaling.settings import ImageShape, Problem


class Lenet5Of1998(PublishedArchitecture):
    """LeNet-5: 6 maps, subsampling, 16 maps, subsampling, 120 units, 84 units, and distances to codes."""

    KERNEL: ClassVar[int] = 5
    """Side of the kernels, in pixels."""
    BACKGROUND: ClassVar[float] = -0.1
    """Value of the border around an image of 28x28 pixels."""
    C3_READS: ClassVar[Table] = (
        *(circular(6, first=first, count=3) for first in range(6)),
        *(circular(6, first=first, count=4) for first in range(6)),
        (0, 1, 3, 4),
        (1, 2, 4, 5),
        (0, 2, 3, 5),
        tuple(range(6)),
    )
    """Maps of S2 that each map of C3 reads (Table I of the paper)."""
    C5_UNITS: ClassVar[int] = 120
    """Units of C5 in the published network."""

    sides: ClassVar[tuple[int, ...]] = (28, 32)
    filter_step: ClassVar[int] = 6

    type: Literal["lenet5_1998"] = "lenet5_1998"

    @classmethod
    def catalogue(cls) -> list[CatalogueEntry]:
        return [
            CatalogueEntry(
                name="lenet5_1998",
                dataset="MNIST",
                image=MNIST_IMAGE,
                network=cls(filters=6),
                published="60,000 trainable parameters, 340,908 connections",
                source="LeCun et al. 1998, Proc. IEEE 86, 2278",
            )
        ]

    def problem(self, image: ImageShape) -> Problem | None:
        if image.classes != len(digit_codes.DIGIT_CODES):
            return Problem(
                "type", f"has output codes for 10 classes, not {image.classes}; use lenet5 or lenet4 instead"
            )
        return super().problem(image)

    @property
    def table(self) -> Table:
        """Maps of S2 that each map of C3 reads."""
        return widen_table(self.C3_READS, self.multiplier)

    def layer_table(self, image: ImageShape) -> LayerTable:
        c1 = table_convolution(
            "c1",
            all_of(image.channels, maps=self.filters),
            side=image.side,
            kernel=self.KERNEL,
            padding=border(image),
        )
        s2 = subsampling("s2", self.filters, side=c1.shape[1])
        c3 = table_convolution("c3", self.table, side=s2.shape[1], kernel=self.KERNEL)
        s4 = subsampling("s4", c3.shape[0], side=c3.shape[1])
        c5 = linear("c5", s4.units, outputs=self.C5_UNITS * self.multiplier)
        f6 = linear("f6", c5.units, outputs=digit_codes.UNITS)
        distances = image.classes * f6.units
        output = Layer(
            name="output",
            kind=LayerKind.LINEAR,
            shape=(image.classes,),
            connections=distances,
            macs=distances,
            fan_out=image.classes,
        )
        return LayerTable(image, (c1, s2, c3, s4, c5, f6, output))
