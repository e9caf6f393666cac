"""LeNet-4 of 1994: two convolutions with trainable subsampling, a hidden layer of 120 units, and a readout.

Sources: LeCun, Bottou, Bengio & Haffner, Gradient-based learning applied to document recognition,
    Proc. IEEE 86(11), 2278 (1998), Section III.C; first described by Bottou et al., ICPR (1994)

The paper prints 4 maps, 8 subsampling maps "connected in pairs to each first-layer feature map", 16 maps,
16 subsampling maps, a "fully connected layer with 120 units", 10 outputs, about 260,000 connections and about
17,000 parameters. These figures contradict each other: 120 units that read all 16 maps of 5x5 pixels have
48,120 parameters. The paper gives neither the connection tables nor the sizes of the maps.

Set here: all printed numbers hold, and the hidden units read fewer maps than all. In a plane of 32x32 pixels
with kernels of 5x5 pixels, as in LeNet-5, both totals are met within 2 % if the second convolution has 59 to
62 kernels and the hidden units read about 560 maps in all.

- Subsampling: each map of C1 has two maps of S2.
- C3 has 60 kernels, as in LeNet-5: 8 maps read three adjacent maps of S2, 7 read four, and one reads all 8;
  the first map is adjacent to the last.
- C5: the 120 units read the 16 maps in turn, 5, 5 and 4 at a time, so that 35 units read each map. They have
  560 x 25 + 120 = 14,120 parameters. (37 units that read all maps would meet both totals too.)
- Total: 16,998 parameters and 258,306 connections. The multiply-adds, 243,600, leave out subsampling and
  biases, which the paper's figure of 260,000 must include, since it equals the connections.

The activation is 1.7159 tanh(2x/3), as in LeNet-5. The output is linear by default. An image of 28x28 pixels
gets a border of 2 pixels of -0.1, the background of the paper. A colour image has one kernel for each colour
and map. A network of another width has a whole multiple of all maps and hidden units.
"""

from __future__ import annotations

from itertools import accumulate
from typing import ClassVar, Literal

from scaling.architectures.description import MNIST_IMAGE, CatalogueEntry
from scaling.architectures.history.base import (
    HistoricArchitecture,
    Table,
    all_of,
    border,
    circular,
    subsampling,
    table_convolution,
    table_linear,
    widen_table,
)
from scaling.architectures.layers import LayerTable, linear
from scaling.settings import ImageShape

_C5_COUNTS = (5, 5, 4) * 40
"""Number of maps that each hidden unit reads."""


class Lenet4(HistoricArchitecture):
    """LeNet-4: 4 maps, 8 subsampling maps, 16 maps, 16 subsampling maps, 120 hidden units, and a readout."""

    KERNEL: ClassVar[int] = 5
    """Side of the kernels, in pixels."""
    BACKGROUND: ClassVar[float] = -0.1
    """Value of the border around an image of 28x28 pixels."""
    C3_READS: ClassVar[Table] = (
        *(circular(8, first=first, count=3) for first in range(8)),
        *(circular(8, first=first, count=4) for first in range(7)),
        tuple(range(8)),
    )
    """Maps of S2 that each map of C3 reads."""
    C5_READS: ClassVar[Table] = tuple(
        circular(16, first=end - count, count=count)
        for end, count in zip(accumulate(_C5_COUNTS), _C5_COUNTS, strict=True)
    )
    """Maps of S4 that each hidden unit reads."""

    sides: ClassVar[tuple[int, ...]] = (28, 32)
    filter_step: ClassVar[int] = 4

    type: Literal["lenet4"] = "lenet4"

    @classmethod
    def catalogue(cls) -> list[CatalogueEntry]:
        return [
            CatalogueEntry(
                name="lenet4",
                dataset="MNIST",
                image=MNIST_IMAGE,
                network=cls(filters=4),
                published="about 17,000 parameters, about 260,000 connections",
                source="LeCun et al. 1998, Proc. IEEE 86, 2278",
                remark=(
                    "The paper gives no connection tables. The wiring is set here and meets both totals"
                    " within 2 %. The MACs leave out subsampling and biases."
                ),
            )
        ]

    @property
    def c3_table(self) -> Table:
        """Maps of S2 that each map of C3 reads."""
        return widen_table(self.C3_READS, self.multiplier)

    @property
    def c5_table(self) -> Table:
        """Maps of S4 that each hidden unit reads."""
        return widen_table(self.C5_READS, self.multiplier)

    def layer_table(self, image: ImageShape) -> LayerTable:
        c1 = table_convolution(
            "c1",
            all_of(image.channels, maps=self.filters),
            side=image.side,
            kernel=self.KERNEL,
            padding=border(image),
        )
        s2 = subsampling("s2", 2 * self.filters, side=c1.shape[1], fan_out=2)
        c3 = table_convolution("c3", self.c3_table, side=s2.shape[1], kernel=self.KERNEL)
        s4 = subsampling("s4", c3.shape[0], side=c3.shape[1])
        c5 = table_linear("c5", self.c5_table, side=s4.shape[1])
        return LayerTable(image, (c1, s2, c3, s4, c5, linear("readout", c5.units, outputs=image.classes)))
