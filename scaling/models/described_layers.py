"""Layers of a network as records, from which compiled training steps are built.

A module of networks describes its layers with the method ``described_layers``. The description names the
parameters of the module and adds what their shapes do not say. The module's own ``forward`` is the reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from scaling.architectures.history.base import Table

Activation = Literal["linear", "tanh", "scaled_tanh", "sigmoid"]


@dataclass(frozen=True, kw_only=True)
class _NamedLayer:
    name: str
    """Prefix of the parameters ``{name}_weight`` and ``{name}_bias``; without them, a layer has none."""
    activation: Activation

    @property
    def weight_name(self) -> str:
        return f"{self.name}_weight"

    @property
    def bias_name(self) -> str:
        return f"{self.name}_bias"


@dataclass(frozen=True, kw_only=True)
class Convolution(_NamedLayer):
    """Convolution of the maps that a connection table names.

    The kernels are in the order of the table. There is one bias per map, or one per unit.
    """

    table: Table
    """For each output map, the indices of the input maps that it reads."""
    kernel: int
    stride: int = 1
    padding: int = 0
    background: float = 0.0
    """Value of the padding."""


@dataclass(frozen=True, kw_only=True)
class LocalConnections(_NamedLayer):
    """Maps whose units have weights of their own, and see a window of all input maps."""

    maps: int
    kernel: int
    stride: int = 1
    padding: int = 0
    background: float = 0.0
    """Value of the padding."""


@dataclass(frozen=True, kw_only=True)
class FullyConnected(_NamedLayer):
    """Units that see all units of the layer before."""

    units: int


@dataclass(frozen=True, kw_only=True)
class Subsampling(_NamedLayer):
    """Sums of 2x2 pixels, times one coefficient per map, plus one bias per map; or averages without them."""

    sources: tuple[int, ...]
    """Input map of each output map."""


@dataclass(frozen=True, kw_only=True)
class Distances(_NamedLayer):
    """Minus the squared distances of the units to constant codes of the classes, a buffer."""

    activation: Activation = "linear"

    @property
    def weight_name(self) -> str:
        return self.name


DescribedLayer = Convolution | LocalConnections | FullyConnected | Subsampling | Distances


@runtime_checkable
class DescribesLayers(Protocol):
    """A module of networks that compiled training steps can train."""

    def described_layers(self) -> Sequence[DescribedLayer]:
        """Return the layers in order, the first of which reads the image."""
