"""The arithmetic of layers, without torch: shapes, parameters, connections, multiply-adds, routes.

Terms:
    units          numbers that a layer outputs for one image
    connections    links into those units; a bias counts as one link (LeCun et al. 1989, 1998)
    macs           multiplications by a weight in the forward pass of one image, padded zeros included;
                   pooling and batch norm have none
    backward_macs  multiplications that give the gradients of the weights and of each layer's input except
                   the image
    routes         paths along which backpropagation reaches one use of a first-layer weight from one output
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from itertools import pairwise
from math import prod
from typing import Any

from scaling.settings import ImageShape


class LayerKind(Enum):
    """The operation of a layer."""

    CONVOLUTION = "convolution"
    LOCALLY_CONNECTED = "locally connected"
    """Weights that are not shared between positions, such as those of a tree layer."""
    NORMALISATION = "normalisation"
    POOLING = "pooling"
    LINEAR = "linear"
    OTHER = "other"
    """A layer of a user's own module that is none of these."""


@dataclass(frozen=True, kw_only=True)
class Window:
    """The pixels of the previous feature maps that one unit sees along each axis."""

    size: int = 1
    step: int = 1
    padding: int = 0

    def paths_in(self, paths: Sequence[int], side: int) -> list[int]:
        """Return the number of onward paths from each of ``side`` input pixels.

        Args:
            paths: number of onward paths from each output pixel along the same axis.
            side: pixels of the input along the axis.
        """
        paths_from_input = [0] * side
        for position, onward in enumerate(paths):
            first = position * self.step - self.padding
            for pixel in range(max(0, first), min(side, first + self.size)):
                paths_from_input[pixel] += onward
        return paths_from_input


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One row of a layer table."""

    name: str
    kind: LayerKind
    shape: tuple[int, ...]
    """Shape of the output for one image: (channels, height, width), or (units,)."""
    parameters: int = 0
    connections: int = 0
    macs: int = 0
    fan_out: int = 1
    """Units that one unit of the previous layer feeds, at each position that sees it; within one branch."""
    window: Window | None = None
    """Window of a layer that outputs feature maps; None for any other layer."""

    @property
    def units(self) -> int:
        return prod(self.shape)

    @property
    def is_feature_map(self) -> bool:
        """True for a layer with output (channels, height, width)."""
        return self.window is not None

    def to_dict(self) -> dict[str, Any]:
        """Return the row with its units."""
        row = asdict(self) | {"units": self.units}
        del row["kind"]
        return row


@dataclass(frozen=True)
class LayerTable:
    """The layers of one network on one image shape, and their totals."""

    image: ImageShape
    layers: tuple[Layer, ...]
    knows_links: bool = True
    """False if torch has counted the layers of code that does not say which units are linked."""

    @property
    def parameters(self) -> int:
        return sum(layer.parameters for layer in self.layers)

    @property
    def conv_parameters(self) -> int:
        """Number of parameters of the convolutions, whose weights are shared between positions."""
        return self._parameters_of(LayerKind.CONVOLUTION)

    @property
    def linear_parameters(self) -> int:
        """Number of parameters of the fully connected layers."""
        return self._parameters_of(LayerKind.LINEAR)

    def _parameters_of(self, kind: LayerKind) -> int:
        return sum(layer.parameters for layer in self.layers if layer.kind is kind)

    @property
    def connections(self) -> int:
        return sum(layer.connections for layer in self.layers)

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def backward_macs(self) -> int:
        """Number of multiplications of the backward pass of one image.

        Each forward product occurs twice: in the gradient of the weight and in the gradient of the input. The
        first layer has only the gradients of its weights, because the image needs no gradient. As in
        ``macs``, biases (which are added, and whose gradients are sums), pooling, activations, batch norm and
        the loss have no products. Products with a zero gradient are counted too.
        """
        first = next((layer.macs for layer in self.layers if layer.macs), 0)
        return 2 * self.macs - first

    @property
    def training_flops(self) -> int:
        """Floating-point operations of one image, forward and backward; a multiply-add is two operations."""
        return 2 * (self.macs + self.backward_macs)

    @property
    def routes(self) -> int | None:
        """Number of paths from one use of a first-layer weight to one output; None if links are unknown.

        Source: Meir et al. 2023, Sci. Rep. 13, 962.

        A use is a unit of the first layer's maps, in one branch. The number of paths is the product of the
        ``fan_out`` of the hidden layers after it, times the number of positions along either axis whose
        windows see it. Of the readout, one unit is counted. Pooling, average or maximum, passes each pixel on
        to its pooled pixel. Batch norm passes each number on to its normalised value, although the numbers of
        a batch share their statistics. If borders cut windows, the use with the most paths counts: an
        interior one.

        LeNet-5 has 5 x 5 positions times 16 filters of the second convolution, times 120 units, times 84:
        4,032,000. With one convolution only the hidden layers multiply, 120 x 84; without hidden layers there
        is 1 path. In the tree a pooled unit feeds one unit of a branch, and that unit feeds the output: 1.
        VGG has 3 x 3 positions times the filters of each convolution except the first, less the positions
        that the borders of small maps cut.
        """
        if not self.knows_links:
            return None
        paths = prod(layer.fan_out for layer in self.layers[1:-1])
        along_axis: list[int] = []
        for before, layer in reversed(list(pairwise(self.layers))):
            if layer.window:
                along_axis = layer.window.paths_in(along_axis or [1] * layer.shape[1], before.shape[1])
        return paths * max(along_axis, default=1) ** 2

    @property
    def units(self) -> int:
        """Number of units; the image's pixels count as units, as in LeCun et al. 1989."""
        return self.image.channels * self.image.side**2 + sum(layer.units for layer in self.layers)

    @property
    def depth(self) -> int:
        """Number of layers that multiply by weights; a normalisation counts with the layer before it."""
        return sum(layer.macs > 0 for layer in self.layers)


def convolution(
    name: str,
    inputs: int,
    *,
    filters: int,
    side: int,
    kernel: int,
    padding: int = 0,
    groups: int = 1,
    bias: bool = True,
) -> Layer:
    """Return a convolution with stride 1 on maps of ``side`` pixels, with ``padding`` zeros around them.

    Args:
        name: name of the layer.
        inputs: channels of the input.
        filters: channels of the output.
        side: side of the input maps, in pixels.
        kernel: side of the filters, in pixels.
        padding: zeros on each side of a map.
        groups: groups of channels that are convolved apart.
        bias: True for one bias per filter.
    """
    out = side + 2 * padding - kernel + 1
    fan_in = inputs // groups * kernel**2
    return Layer(
        name=name,
        kind=LayerKind.CONVOLUTION,
        shape=(filters, out, out),
        parameters=filters * (fan_in + bias),
        connections=filters * out**2 * (fan_in + bias),
        macs=filters * out**2 * fan_in,
        fan_out=filters // groups,
        window=Window(size=kernel, padding=padding),
    )


def normalisation(name: str, channels: int, *, side: int) -> Layer:
    """Return batch norm: a factor and an offset per channel."""
    parameters = 2 * channels
    return Layer(
        name=name,
        kind=LayerKind.NORMALISATION,
        shape=(channels, side, side),
        parameters=parameters,
        connections=parameters * side**2,
        window=Window(),
    )


def pooling(name: str, channels: int, *, side: int, window: int = 2) -> Layer:
    """Return pooling over windows that do not overlap; rows that fill no window are left out."""
    out = side // window
    return Layer(
        name=name,
        kind=LayerKind.POOLING,
        shape=(channels, out, out),
        connections=window**2 * channels * out**2,
        window=Window(size=window, step=window),
    )


def linear(name: str, inputs: int, *, outputs: int, bias: bool = True) -> Layer:
    """Return a fully connected layer."""
    links = outputs * (inputs + bias)
    return Layer(
        name=name,
        kind=LayerKind.LINEAR,
        shape=(outputs,),
        parameters=links,
        connections=links,
        macs=outputs * inputs,
        fan_out=outputs,
    )
