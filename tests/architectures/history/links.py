"""A network as a list of links between single units: the brute-force count of connections and routes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

from scaling.settings import ImageShape

Unit = tuple[int, int, int]
"""Map, row and column."""


class Graph:
    """Layers of units; each unit has the list of the units of the layer before that it reads."""

    def __init__(self, image: ImageShape) -> None:
        pixels = range(image.side)
        self.layers: list[dict[Unit, list[Unit]]] = [
            {unit: [] for unit in product(range(image.channels), pixels, pixels)}
        ]
        self.connections = 0

    def convolve(
        self,
        reads: Sequence[Sequence[int]],
        *,
        kernel: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = True,
    ) -> None:
        """Add maps that read the maps of a table, and padding too, with shared weights or without."""
        side = 1 + max(row for _, row, _ in self.layers[-1])
        out = range((side + 2 * padding - kernel) // stride + 1)
        layer: dict[Unit, list[Unit]] = {}
        for target, row, col in product(range(len(reads)), out, out):
            window = [
                (source, row * stride - padding + i, col * stride - padding + j)
                for source, i, j in product(reads[target], range(kernel), range(kernel))
            ]
            layer[target, row, col] = [unit for unit in window if unit in self.layers[-1]]
            self.connections += len(window) + bias
        self.layers.append(layer)

    def subsample(self, *, bias: bool = True) -> None:
        """Add one unit for each window of 2x2 units."""
        maps = 1 + max(unit[0] for unit in self.layers[-1])
        before = len(self.layers[-1])
        self.convolve([(i,) for i in range(maps)], kernel=2, stride=2, bias=bias)
        assert len(self.layers[-1]) == before // 4

    def connect(self, units: int, *, biases: bool = True) -> None:
        """Add units that read all units of the layer before."""
        layer: dict[Unit, list[Unit]] = {(unit, 0, 0): list(self.layers[-1]) for unit in range(units)}
        self.connections += units * (len(self.layers[-1]) + biases)
        self.layers.append(layer)

    def routes(self) -> int:
        """Return the most paths from one unit of the first layer to one output."""
        paths: dict[Unit, int] = {(0, 0, 0): 1}
        for layer in self.layers[:1:-1]:
            onward = paths
            paths = {}
            for unit, count in onward.items():
                for source in layer[unit]:
                    paths[source] = paths.get(source, 0) + count
        return max(paths.values())
