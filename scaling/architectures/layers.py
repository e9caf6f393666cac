"""The arithmetic of layers, without torch: shapes, parameters, connections, multiply-adds.

Words:
    units        numbers a layer puts out for one image
    connections  links into those units, a bias counting as one link (LeCun et al. 1989, 1998)
    macs         multiplications by a weight in one forward pass of one image; pooling has none
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from scaling.leaves import ImageShape


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One row of a layer table."""

    name: str
    shape: tuple[int, ...]
    """Of its output for one image: (channels, height, width) or (units,)."""
    parameters: int = 0
    connections: int = 0
    macs: int = 0

    @property
    def units(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True)
class LayerTable:
    """The layers of one network on one shape of images, and their totals."""

    image: ImageShape
    layers: tuple[Layer, ...]

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def connections(self) -> int:
        return sum(layer.connections for layer in self.layers)

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def units(self) -> int:
        """The image's pixels count as units, as in LeCun et al. 1989."""
        return self.image.channels * self.image.side**2 + sum(layer.units for layer in self.layers)

    @property
    def depth(self) -> int:
        """Layers that multiply by weights; what normalises counts with the layer before it."""
        return sum(layer.macs > 0 for layer in self.layers)


def convolution(name: str, inputs: int, filters: int, side: int, kernel: int, *, groups: int = 1, bias: bool = True) -> Layer:
    """A valid convolution with stride 1; ``side`` is that of its (padded) input."""
    out = side - kernel + 1
    fan_in = inputs // groups * kernel**2
    return Layer(
        name=name,
        shape=(filters, out, out),
        parameters=filters * (fan_in + bias),
        connections=filters * out**2 * (fan_in + bias),
        macs=filters * out**2 * fan_in,
    )


def normalisation(name: str, channels: int, side: int) -> Layer:
    """Batch norm: a factor and an offset a channel, which a network at work could do without by scaling its filters."""
    return Layer(name=name, shape=(channels, side, side), parameters=2 * channels, connections=2 * channels * side**2)


def pooling(name: str, channels: int, side: int, window: int = 2) -> Layer:
    """Pooling over windows that don't overlap, with nothing to learn; rows that fill no window are left out."""
    out = side // window
    return Layer(name=name, shape=(channels, out, out), connections=window**2 * channels * out**2)


def linear(name: str, inputs: int, outputs: int, *, bias: bool = True) -> Layer:
    """A fully connected layer."""
    links = outputs * (inputs + bias)
    return Layer(name=name, shape=(outputs,), parameters=links, connections=links, macs=outputs * inputs)
