"""Layout of a network in the arrays of the compiled steps: where each layer's units and weights are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import NamedTuple

import numpy as np

from scaling.architectures.history.base import Table
from scaling.models.described_layers import (
    Convolution,
    DescribedLayer,
    Distances,
    FullyConnected,
    LocalConnections,
    Subsampling,
)
from scaling.settings import ImageShape
from scaling.train.compiled_steps.records import LAYER, Activation, Kind, Network

_ACTIVATIONS = {
    "linear": Activation.LINEAR,
    "tanh": Activation.TANH,
    "scaled_tanh": Activation.SCALED_TANH,
    "sigmoid": Activation.SIGMOID,
}


@dataclass(frozen=True, kw_only=True)
class Maps:
    """Maps of a layer, or the image, among the units."""

    count: int
    height: int
    width: int
    first: int
    """First vector of the first map, its border included."""
    border: int
    """Pixels of background on each side."""
    background: float

    @property
    def row(self) -> int:
        """Number of vectors of a row, its border included."""
        return self.width + 2 * self.border

    @property
    def map(self) -> int:
        """Number of vectors of a map, its border included."""
        return (self.height + 2 * self.border) * self.row

    @property
    def end(self) -> int:
        return self.first + self.count * self.map

    @property
    def inside(self) -> int:
        """First vector of the first map without its border."""
        return self.first + self.border * (self.row + 1)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A network in the arrays of the compiled steps."""

    network: Network
    maps: tuple[Maps, ...]
    """Image, and the outputs of each layer."""
    weights: dict[str, int]
    """First vector of each parameter, and then of each buffer."""
    trained: int
    """Number of vectors of the parameters, which come first."""
    vectors: int
    """Number of vectors of the parameters and buffers."""

    @property
    def units(self) -> int:
        """Number of vectors of the units, borders included."""
        return self.maps[-1].end


def lay_out(
    described: Sequence[DescribedLayer],
    image: ImageShape,
    *,
    parameters: Mapping[str, int],
    buffers: Mapping[str, int],
) -> Layout:
    """Return the layout of a network.

    Args:
        described: layers of the network.
        image: shape of the images.
        parameters: size of each parameter of one replica.
        buffers: size of each buffer of one replica.
    """
    sizes = {**parameters, **buffers}
    weights = dict(zip(sizes, accumulate(sizes.values(), initial=0), strict=False))
    inputs = _place_maps((image.channels, image.side, image.side), 0, described[0])
    maps, records = [inputs], []
    sources: list[int] = []
    starts = [0]
    for layer, reader in zip(described, (*described[1:], None), strict=True):
        wiring = _wire(layer, inputs, sizes)
        outputs = _place_maps((len(wiring.table), wiring.height, wiring.width), inputs.end, reader)
        records.append(
            _record(
                kind=wiring.kind,
                activation=_ACTIVATIONS[layer.activation],
                reads_image=len(maps) == 1,
                input=inputs.first,
                input_map=inputs.map,
                input_row=inputs.row,
                first=len(starts) - 1,
                rows=wiring.rows,
                columns=wiring.columns,
                step=wiring.step,
                weight=weights.get(layer.weight_name, -1),
                bias=weights.get(layer.bias_name, -1),
                bias_per_unit=sizes.get(layer.bias_name) != outputs.count,
                **_output(outputs),
            )
        )
        for read in wiring.table:
            sources += read
            starts.append(len(sources))
        maps.append(outputs)
        inputs = outputs
    return Layout(
        network=Network(
            image=np.array([_record(**_output(maps[0]))], LAYER),
            layers=np.array(records, LAYER),
            sources=np.array(sources, np.int64),
            starts=np.array(starts, np.int64),
        ),
        maps=tuple(maps),
        weights=weights,
        trained=sum(parameters.values()),
        vectors=sum(sizes.values()),
    )


class _Wiring(NamedTuple):
    """Shape of a layer's output, and the inputs of its units."""

    kind: Kind
    table: Table
    """Input maps of each output map."""
    height: int
    width: int
    rows: int
    """Height of a unit's window."""
    columns: int
    """Width of a unit's window."""
    step: int


def _wire(layer: DescribedLayer, inputs: Maps, sizes: Mapping[str, int]) -> _Wiring:
    """Return the wiring of a layer.

    Args:
        layer: layer.
        inputs: maps that it reads.
        sizes: size of each parameter and buffer of one replica.
    """
    all_inputs = tuple(range(inputs.count))
    match layer:
        case Convolution(table=table, kernel=kernel, stride=step):
            return _Wiring(Kind.CONVOLUTION, table, *_windows(layer, inputs), kernel, kernel, step)
        case LocalConnections(maps=maps, kernel=kernel, stride=step):
            table = (all_inputs,) * maps
            return _Wiring(Kind.LOCAL, table, *_windows(layer, inputs), kernel, kernel, step)
        case FullyConnected(units=units):
            return _Wiring(Kind.LOCAL, ((0,),) * units, 1, 1, 1, inputs.end - inputs.first, 1)
        case Subsampling(sources=sources):
            table = tuple((source,) for source in sources)
            return _Wiring(Kind.SUBSAMPLING, table, inputs.height // 2, inputs.width // 2, 2, 2, 2)
        case Distances(weight_name=codes):
            units = inputs.end - inputs.first
            return _Wiring(Kind.DISTANCES, ((0,),) * (sizes[codes] // units), 1, 1, 1, units, 1)


def _windows(layer: Convolution | LocalConnections, inputs: Maps) -> tuple[int, int]:
    """Return the numbers of windows along the height and the width."""
    height, width = (
        (side + 2 * layer.padding - layer.kernel) // layer.stride + 1
        for side in (inputs.height, inputs.width)
    )
    return height, width


def _place_maps(shape: tuple[int, int, int], first: int, reader: DescribedLayer | None) -> Maps:
    """Return the place of maps, with the border that their reader needs."""
    count, height, width = shape
    maps = Maps(count=count, height=height, width=width, first=first, border=0, background=0.0)
    if isinstance(reader, Convolution | LocalConnections):
        return replace(maps, border=reader.padding, background=reader.background)
    return maps


def _output(maps: Maps) -> dict[str, int]:
    return {
        "output": maps.inside,
        "output_map": maps.map,
        "output_row": maps.row,
        "maps": maps.count,
        "height": maps.height,
        "width": maps.width,
    }


def _record(**fields: int) -> tuple[int, ...]:
    """Return a record of ``LAYER``; fields that are not given are 0."""
    return tuple(fields.get(name, 0) for name in LAYER.names or ())
