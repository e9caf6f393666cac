"""Base classes and layers of the historic networks: a published size and whole multiples of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence, Set
from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from scaling.architectures.base import Architecture
from scaling.architectures.description import (
    MNIST_IMAGE,
    USPS_IMAGE,
    BenchmarkNetwork,
    MemoryProfile,
    Precision,
    SettingLabel,
)
from scaling.architectures.layers import Layer, LayerKind, Window
from scaling.architectures.width_search import COST_SETTINGS
from scaling.settings import IdentityDefault, ImageShape, Problem

Table = tuple[tuple[int, ...], ...]
"""For each output map, the indices of the input maps that it reads."""


MAX_MULTIPLIER = 32
"""Width of the widest network over that of the published one. Connection tables grow with its square."""

PLANE = 32
"""Side of the input plane in whose middle LeNet-4 and LeNet-5 have an image of 28x28 pixels."""


class PublishedArchitecture(Architecture):
    """A published network, and the networks whose layers all have a whole multiple of its maps and units."""

    memory_profile: ClassVar[MemoryProfile] = MemoryProfile(compiler_bytes=224 * 2**20)
    sides: ClassVar[tuple[int, ...]] = ()
    """Sides of the images that the network accepts, in pixels; empty for all."""
    describes_layers: ClassVar[bool] = True
    benchmark_multipliers: ClassVar[tuple[int, ...]] = (1, 4)
    """Widths that ``scaling bench`` times, over that of the published network; without any, speed is
    estimated from the most similar architecture."""
    setting_labels: ClassVar[dict[str, SettingLabel]] = {
        "initial_range": SettingLabel(plural="initial range 2.4 over {}"),
    }

    initial_range: Annotated[Literal["sqrt_fan_in", "fan_in"], IdentityDefault("sqrt_fan_in")] = "sqrt_fan_in"
    """Weights are uniform within 2.4 over this; ``fan_in`` is what LeCun et al. (1989) print."""

    @classmethod
    def benchmark_networks(cls, side: int, precision: Precision) -> list[BenchmarkNetwork]:
        """Return the published network and one of several times its width, in fp32 and with one channel.

        Each is timed with the smallest images that it accepts, or with those of USPS, once: for the side of
        MNIST.
        """
        if precision != "fp32" or side != MNIST_IMAGE.side:
            return []
        smallest = cls.sides[0] if cls.sides else USPS_IMAGE.side
        return [
            BenchmarkNetwork(
                network=cls.model_validate({"filters": multiplier * cls.filter_step}), side=smallest
            )
            for multiplier in cls.benchmark_multipliers
        ]

    def hidden_numbers(self, image: ImageShape) -> int:
        """Return the number of sums before the squashing functions, which are outputs of their own."""
        return sum(layer.units for layer in self.layer_table(image).layers)

    @property
    def multiplier(self) -> int:
        """Factor over the published network: 1 is the published network itself."""
        return self.filters // self.filter_step

    def problem(self, image: ImageShape) -> Problem | None:
        if self.sides and image.side not in self.sides:
            accepted = " or ".join(f"{side}x{side}" for side in self.sides)
            return Problem("type", f"needs images of {accepted} pixels, not {image.side}x{image.side}")
        if self.filters % self.filter_step:
            return Problem(
                "filters",
                f"expected a multiple of {self.filter_step}, the number of the published network, "
                f"got {self.filters}",
            )
        if self.multiplier > MAX_MULTIPLIER:
            most = MAX_MULTIPLIER * self.filter_step
            text = (
                f"expected at most {most}, {MAX_MULTIPLIER} times the published network, got {self.filters}"
            )
            return Problem("filters", text)
        return None

    def cost_problem(self, image: ImageShape, written: Set[str]) -> Problem | None:
        if problem := super().cost_problem(image, written):
            return problem
        most = self._cost(self.with_filters(MAX_MULTIPLIER * self.filter_step), image)
        if self._target_cost > most:
            setting = next(name for name in COST_SETTINGS if name in written)
            text = f"expected at most {most:,}, the {setting} of {MAX_MULTIPLIER} times the published network"
            return Problem(setting, f"{text}, got {self._target_cost:,}")
        return None


class HistoricArchitecture(PublishedArchitecture):
    """A published network with a fully connected output layer."""

    squashing: ClassVar[Literal["tanh", "scaled_tanh"]] = "scaled_tanh"
    """The network's squashing function: tanh(x), or 1.7159 tanh(2x/3) of the group's paper of 1998."""
    setting_labels: ClassVar[dict[str, SettingLabel]] = {"output": SettingLabel(plural="{} output")}

    output: Annotated[Literal["linear", "tanh"], IdentityDefault("linear")] = "linear"
    """Output units: ``linear`` for logits, ``tanh`` for the squashing function, with the loss ``mse``."""


def border(image: ImageShape) -> int:
    """Return the pixels of background on each side of an image in the plane of 32x32 pixels."""
    return (PLANE - image.side) // 2


def widen_table(table: Table, multiplier: int) -> Table:
    """Return a table with ``multiplier`` maps for each map; each reads all copies of that map's inputs."""
    return tuple(
        tuple(multiplier * source + copy for source in sources for copy in range(multiplier))
        for sources in table
        for _ in range(multiplier)
    )


def table_convolution(
    name: str,
    table: Table,
    *,
    side: int,
    kernel: int,
    stride: int = 1,
    padding: int = 0,
    biases: Literal["map", "unit"] = "map",
) -> Layer:
    """Return a convolution in which each map reads the input maps of a connection table.

    Args:
        name: name of the layer.
        table: input maps of each output map.
        side: side of the input maps, in pixels.
        kernel: side of the kernels, in pixels.
        stride: step between two positions, in pixels.
        padding: pixels of background on each side of a map.
        biases: ``map`` for one bias per map, ``unit`` for one bias per unit.
    """
    out = (side + 2 * padding - kernel) // stride + 1
    maps, kernels = len(table), sum(map(len, table))
    units, links = maps * out**2, kernels * kernel**2 * out**2
    readers = Counter(source for sources in table for source in sources)
    return Layer(
        name=name,
        kind=LayerKind.CONVOLUTION,
        shape=(maps, out, out),
        parameters=kernels * kernel**2 + (maps if biases == "map" else units),
        connections=links + units,
        macs=links,
        fan_out=max(readers.values()),
        window=Window(size=kernel, step=stride, padding=padding),
    )


def local_connections(
    name: str, inputs: int, *, maps: int, side: int, kernel: int, stride: int = 1, padding: int = 0
) -> Layer:
    """Return maps in which each unit has weights of its own and a bias, and sees a window of all input maps.

    Args:
        name: name of the layer.
        inputs: number of input maps.
        maps: number of output maps.
        side: side of the input maps, in pixels.
        kernel: side of the windows, in pixels.
        stride: step between two windows, in pixels.
        padding: pixels of background on each side of a map.
    """
    out = (side + 2 * padding - kernel) // stride + 1
    units, fan_in = maps * out**2, inputs * kernel**2
    return Layer(
        name=name,
        kind=LayerKind.LOCALLY_CONNECTED,
        shape=(maps, out, out),
        parameters=units * (fan_in + 1),
        connections=units * (fan_in + 1),
        macs=units * fan_in,
        fan_out=maps,
        window=Window(size=kernel, step=stride, padding=padding),
    )


def table_linear(name: str, table: Table, *, side: int) -> Layer:
    """Return a layer of units each of which reads all pixels of the input maps of a connection table."""
    layer = table_convolution(name, table, side=side, kernel=side)
    return replace(layer, kind=LayerKind.LINEAR, shape=(len(table),), window=None)


def subsampling(name: str, maps: int, *, side: int, fan_out: int = 1) -> Layer:
    """Return trainable subsampling: the sum of 2x2 pixels, times one coefficient per map, plus one bias.

    The products with the coefficient are not counted as multiply-adds, like those of the average.

    Args:
        name: name of the layer.
        maps: maps of the output.
        side: side of the input maps, in pixels.
        fan_out: output maps that read one input map.
    """
    out = side // 2
    return Layer(
        name=name,
        kind=LayerKind.POOLING,
        shape=(maps, out, out),
        parameters=2 * maps,
        connections=(4 + 1) * maps * out**2,
        fan_out=fan_out,
        window=Window(size=2, step=2),
    )


def all_of(inputs: int, *, maps: int) -> Table:
    """Return the table in which each of ``maps`` maps reads all ``inputs`` maps."""
    return (tuple(range(inputs)),) * maps


def circular(maps: int, *, first: int, count: int) -> tuple[int, ...]:
    """Return ``count`` adjacent maps from the map ``first`` on; after the last map comes the first."""
    return tuple(sorted((first + step) % maps for step in range(count)))


def one_based(rows: Sequence[Sequence[int]]) -> Table:
    """Return a table from rows that count maps from 1, as the papers do."""
    return tuple(tuple(source - 1 for source in sources) for sources in rows)
