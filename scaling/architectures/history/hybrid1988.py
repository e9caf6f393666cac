"""The classifier of the hybrid of 1988: one trained hidden layer on features that were designed by hand.

Source: Denker, Gardner, Graf, Henderson, Howard, Hubbard, Jackel, Baird & Guyon, Neural network recognizer
    for hand-written zip code digits, NIPS 1, 323 (1988)

The features are the data set ``skeleton_features``: 18 maps of 3x5 blocks, 270 numbers for each digit. The
paper trained the same classifier on the pixels of the digits for comparison, so it accepts every image.

Set here: the activation is tanh, and the output is linear by default. The paper trains with an objective
function of its own (Denker & Wittner 1987). A network of another width has a whole multiple of the 40 units.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from scaling.architectures.description import FEATURES_IMAGE, CatalogueEntry
from scaling.architectures.history.base import HistoricArchitecture
from scaling.architectures.layers import LayerTable, linear
from scaling.settings import ImageShape


class Hybrid1988(HistoricArchitecture):
    """The classifier of the hybrid: 40 hidden units that see the whole input, and a readout."""

    benchmark_multipliers: ClassVar[tuple[int, ...]] = (1,)
    filter_step: ClassVar[int] = 40
    squashing: ClassVar[Literal["tanh", "scaled_tanh"]] = "tanh"

    type: Literal["hybrid1988"] = "hybrid1988"

    @classmethod
    def catalogue(cls) -> list[CatalogueEntry]:
        return [
            CatalogueEntry(
                name="hybrid1988",
                dataset="USPS features",
                image=FEATURES_IMAGE,
                network=cls(filters=40),
                published="layers 40-10",
                source="Denker et al. 1988, NIPS 1, 323",
            )
        ]

    def layer_table(self, image: ImageShape) -> LayerTable:
        inputs = image.channels * image.side**2
        hidden = linear("hidden", inputs, outputs=self.filters)
        return LayerTable(image, (hidden, linear("readout", self.filters, outputs=image.classes)))
