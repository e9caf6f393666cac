"""Net-1 to Net-5 of 1989: from a single layer to two layers of shared weights, on images of 16x16 pixels.

Source: LeCun, Generalization and network design strategies, in Connectionism in Perspective (1989); the
    counts are also in Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, Table 11.1

Set here: the output is linear by default, and the activation is tanh. Both hidden layers of Net-3 to Net-5
halve the side of the maps, with windows that reach over the border: there, links read a background of -1,
and they count as links. A network of another width has a whole multiple of all hidden units or maps, and
each map reads all maps of the layer before.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Set
from typing import Any, ClassVar, Literal

from scaling.architectures.description import USPS_IMAGE, CatalogueEntry
from scaling.architectures.history.base import (
    HistoricArchitecture,
    all_of,
    local_connections,
    table_convolution,
)
from scaling.architectures.layers import Layer, LayerTable, linear
from scaling.architectures.width_search import COST_SETTINGS
from scaling.settings import ImageShape, Problem

_H1: dict[str, Any] = {"kernel": 3, "stride": 2, "padding": 1}
_H2: dict[str, Any] = {"kernel": 5, "stride": 2, "padding": 2}
"""Windows of the hidden layers of Net-3 to Net-5."""


class Net1989(HistoricArchitecture):
    """One of the five networks: hidden layers, and a readout that is fully connected."""

    BACKGROUND: ClassVar[float] = -1.0
    """Value of the padding: the background of images between -1 and 1."""
    published: ClassVar[str]
    """Published counts."""

    sides: ClassVar[tuple[int, ...]] = (16,)
    squashing: ClassVar[Literal["tanh", "scaled_tanh"]] = "tanh"

    @classmethod
    def catalogue(cls) -> list[CatalogueEntry]:
        network = cls.model_validate({"filters": cls.filter_step})
        return [
            CatalogueEntry(
                name=network.type,
                dataset="USPS",
                image=USPS_IMAGE,
                network=network,
                published=cls.published,
                source="LeCun 1989, Generalization and network design strategies",
            )
        ]

    @abstractmethod
    def hidden_layers(self, image: ImageShape) -> tuple[Layer, ...]:
        """Return the layers before the readout."""

    def layer_table(self, image: ImageShape) -> LayerTable:
        hidden = self.hidden_layers(image)
        inputs = hidden[-1].units if hidden else _pixels(image)
        return LayerTable(image, (*hidden, linear("readout", inputs, outputs=image.classes)))


class Net1(Net1989):
    """Net-1: a single layer, which has no width."""

    has_widths: ClassVar[bool] = False
    benchmark_multipliers: ClassVar[tuple[int, ...]] = (1,)
    published: ClassVar[str] = "2,570 parameters, 2,570 connections"

    type: Literal["net1_1989"] = "net1_1989"

    def problem(self, image: ImageShape) -> Problem | None:
        if self.filters != 1:
            return Problem("filters", f"expected 1, because Net-1 has no hidden layer, got {self.filters}")
        return super().problem(image)

    def cost_problem(self, image: ImageShape, written: Set[str]) -> Problem | None:
        setting = next(name for name in COST_SETTINGS if name in written)
        return Problem(setting, "give filters: 1 instead; Net-1 has no hidden layer and thus only one size")

    def hidden_layers(self, image: ImageShape) -> tuple[Layer, ...]:
        return ()


class Net2(Net1989):
    """Net-2: 12 hidden units that see the whole image."""

    filter_step: ClassVar[int] = 12
    published: ClassVar[str] = "3,214 parameters, 3,214 connections"

    type: Literal["net2_1989"] = "net2_1989"

    def hidden_layers(self, image: ImageShape) -> tuple[Layer, ...]:
        return (linear("h1", _pixels(image), outputs=self.filters),)


class Net3(Net1989):
    """Net-3: two hidden maps, one after the other, of locally connected units without shared weights."""

    published: ClassVar[str] = "1,226 parameters, 1,226 connections"

    type: Literal["net3_1989"] = "net3_1989"

    def hidden_layers(self, image: ImageShape) -> tuple[Layer, ...]:
        h1 = local_connections("h1", image.channels, maps=self.filters, side=image.side, **_H1)
        return h1, local_connections("h2", self.filters, maps=self.filters, side=h1.shape[1], **_H2)


class Net4(Net1989):
    """Net-4: two maps of shared weights, then one map of locally connected units that see both."""

    filter_step: ClassVar[int] = 2
    published: ClassVar[str] = "1,132 parameters, 2,266 connections"

    type: Literal["net4_1989"] = "net4_1989"

    def hidden_layers(self, image: ImageShape) -> tuple[Layer, ...]:
        h1 = _shared("h1", image.channels, maps=self.filters, side=image.side, window=_H1)
        return h1, local_connections("h2", self.filters, maps=self.multiplier, side=h1.shape[1], **_H2)


class Net5(Net1989):
    """Net-5: two maps, then four maps that see both, all of shared weights."""

    filter_step: ClassVar[int] = 2
    published: ClassVar[str] = "1,060 parameters, 5,194 connections"

    type: Literal["net5_1989"] = "net5_1989"

    def hidden_layers(self, image: ImageShape) -> tuple[Layer, ...]:
        h1 = _shared("h1", image.channels, maps=self.filters, side=image.side, window=_H1)
        return h1, _shared("h2", self.filters, maps=4 * self.multiplier, side=h1.shape[1], window=_H2)


def _shared(name: str, inputs: int, *, maps: int, side: int, window: dict[str, Any]) -> Layer:
    """Return a convolution of all input maps with one bias per unit."""
    return table_convolution(name, all_of(inputs, maps=maps), side=side, biases="unit", **window)


def _pixels(image: ImageShape) -> int:
    return image.channels * image.side**2
