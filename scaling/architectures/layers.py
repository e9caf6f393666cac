"""The arithmetic of layers, without torch: shapes, parameters, connections, multiply-adds, routes.

Words:
    units          numbers a layer puts out for one image
    connections    links into those units, a bias counting as one link (LeCun et al. 1989, 1998)
    macs           multiplications by a weight in one forward pass of one image, those of padded zeros too; pooling and batch norm have none
    backward_macs  the multiplications that give the gradients: by the weights, and by what each layer but the first is fed with
    routes         ways on which backpropagation comes from one output back to one use of a weight of the first layer
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from scaling.settings import ImageShape


@dataclass(frozen=True, kw_only=True)
class Window:
    """What one unit sees of the maps before it, along each axis."""

    size: int = 1
    step: int = 1
    padding: int = 0

    def paths_in(self, ways: Sequence[int], side: int) -> list[int]:
        """Ways onward from each of ``side`` places of the maps before, given those from each place of the maps after."""
        made = [0] * side
        for place, onward in enumerate(ways):
            first = place * self.step - self.padding
            for seen in range(max(0, first), min(side, first + self.size)):
                made[seen] += onward
        return made


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One row of a layer table."""

    name: str
    shape: tuple[int, ...]
    """Of its output for one image: (channels, height, width) or (units,)."""
    parameters: int = 0
    connections: int = 0
    macs: int = 0
    fan_out: int = 1
    """Units that one of the layer before feeds, at each place that sees it; within one branch, where there are several."""
    window: Window | None = None
    """None for what is no map."""

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
    def backward_macs(self) -> int:
        """Each forward product comes back twice: once in a weight's gradient, once in that of what it was multiplied with.

        An image needs no gradient, so the first layer has the former alone. As in ``macs``, biases (which are added, and whose gradients are
        sums), pooling, activations, batch norm and the loss have no products; and those that a zero gradient would save are not taken off.
        """
        return 2 * self.macs - self.layers[0].macs

    @property
    def training_flops(self) -> int:
        """Of one image, forward and backward: a multiply-add is two operations."""
        return 2 * (self.macs + self.backward_macs)

    @property
    def routes(self) -> int:
        """Paths from one use of a weight of the first layer to one output, as Meir et al. 2023 (Sci. Rep. 13, 962) count them.

        A use is a unit of the first layer's maps, in one branch. As many paths lead from it as the layers after it have ``fan_out``,
        multiplied, times the places along either axis at which windows see it; of the readout one unit is meant. Pooling, average or maximum,
        leads each of its pixels on to the one that it becomes, whichever wins on an image; batch norm leads each number to itself, though the
        numbers of a batch share their statistics. Where borders cut windows it is a use that has the most: an interior one.

        So LeNet-5 has 5 x 5 places times 16 filters of its second convolution, times 120 units, times 84: 4,032,000. With one convolution the
        hidden layers alone multiply, 120 x 84, and with nothing hidden 1 is left. In the tree a pooled unit feeds one unit of a branch, and
        that one the output: 1. VGG has 3 x 3 places times the filters of each convolution but the first, less what borders of small maps cut.
        """
        ways = prod(layer.fan_out for layer in self.layers[1:-1])
        along: list[int] = []
        for before, layer in reversed(list(pairwise(self.layers))):
            if layer.window:
                along = layer.window.paths_in(along or [1] * layer.shape[1], before.shape[1])
        return ways * max(along, default=1) ** 2

    @property
    def units(self) -> int:
        """The image's pixels count as units, as in LeCun et al. 1989."""
        return self.image.channels * self.image.side**2 + sum(layer.units for layer in self.layers)

    @property
    def depth(self) -> int:
        """Layers that multiply by weights; what normalises counts with the layer before it."""
        return sum(layer.macs > 0 for layer in self.layers)


def convolution(
    name: str,
    inputs: int,
    filters: int,
    side: int,
    kernel: int,
    *,
    padding: int = 0,
    groups: int = 1,
    bias: bool = True,
) -> Layer:
    """A convolution with stride 1 on maps of ``side`` pixels, with ``padding`` zeros around them."""
    out = side + 2 * padding - kernel + 1
    fan_in = inputs // groups * kernel**2
    return Layer(
        name=name,
        shape=(filters, out, out),
        parameters=filters * (fan_in + bias),
        connections=filters * out**2 * (fan_in + bias),
        macs=filters * out**2 * fan_in,
        fan_out=filters // groups,
        window=Window(size=kernel, padding=padding),
    )


def normalisation(name: str, channels: int, side: int) -> Layer:
    """Batch norm: a factor and an offset a channel, which a network at work could do without by scaling its filters."""
    numbers = 2 * channels
    return Layer(
        name=name,
        shape=(channels, side, side),
        parameters=numbers,
        connections=numbers * side**2,
        window=Window(),
    )


def pooling(name: str, channels: int, side: int, window: int = 2) -> Layer:
    """Pooling over windows that don't overlap, with nothing to learn; rows that fill no window are left out."""
    out = side // window
    return Layer(
        name=name,
        shape=(channels, out, out),
        connections=window**2 * channels * out**2,
        window=Window(size=window, step=window),
    )


def linear(name: str, inputs: int, outputs: int, *, bias: bool = True) -> Layer:
    """A fully connected layer."""
    links = outputs * (inputs + bias)
    return Layer(
        name=name,
        shape=(outputs,),
        parameters=links,
        connections=links,
        macs=outputs * inputs,
        fan_out=outputs,
    )
