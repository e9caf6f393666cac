"""Net-1 to Net-5 of 1989, R replicas at once.

Sources: see ``scaling.architectures.history.nets1989``.

Set here: biases start at zero, and the fan-in does not count the bias.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from scaling.architectures import Layer, LayerKind
from scaling.architectures.history.base import all_of
from scaling.architectures.history.nets1989 import Net1989
from scaling.models.described_layers import Convolution, DescribedLayer, FullyConnected, LocalConnections
from scaling.models.history import operations as ops
from scaling.models.initialization import Weights, stack_replicas
from scaling.settings import ImageShape


class PackedNet1989(nn.Module):
    """Networks from image to logits, with the layers of the layer table.

    The weights of a fully connected unit have the axes of the layer before, so that those of a unit that sees
    the image are a picture.
    """

    def __init__(self, spec: Net1989, image: ImageShape, seeds: Sequence[int]) -> None:
        super().__init__()
        self.spec, self.image = spec, image
        self.weights = stack_replicas(self.init, seeds)

    def init(self, generator: torch.Generator) -> Weights:
        """Draw the weights and biases of one replica."""
        weights: Weights = {}
        inputs: tuple[int, ...] = (self.image.channels, self.image.side, self.image.side)
        for layer in self.spec.layer_table(self.image).layers:
            units = layer.shape[:1] if layer.kind is LayerKind.CONVOLUTION else layer.shape
            seen = (inputs[0], layer.window.size, layer.window.size) if layer.window else inputs
            draw = ops.uniform(generator, self.spec, *units, *seen, fan_in=prod(seen))
            weights |= {f"{layer.name}_weight": draw, f"{layer.name}_bias": torch.zeros(layer.shape)}
            inputs = layer.shape
        return weights

    def forward(self, image: Float[Tensor, "B C side side"]) -> Float[Tensor, "R B classes"]:
        x = image
        *hidden, _ = self.spec.layer_table(self.image).layers
        for layer in hidden:
            x = torch.tanh(self._sums(layer, x, is_image=x is image))
        weight, bias = self.weights["readout_weight"], self.weights["readout_bias"]
        return ops.output(self._features(x, is_image=x is image), weight.flatten(2), bias, spec=self.spec)

    def _sums(self, layer: Layer, x: Tensor, *, is_image: bool) -> Tensor:
        """Return the sums of a hidden layer: maps "B (R o) row col", or features "R B units"."""
        weight, bias = (self.weights[f"{layer.name}_{part}"].to(x.dtype) for part in ("weight", "bias"))
        if layer.window is None:
            return ops.connect(self._features(x, is_image=is_image), weight.flatten(2), bias)
        x = ops.add_border(x, layer.window.padding, background=self.spec.BACKGROUND)
        apply = ops.convolve if layer.kind is LayerKind.CONVOLUTION else ops.connect_locally
        return ops.add_biases(apply(x, weight, stride=layer.window.step, is_image=is_image), bias)

    def _features(self, x: Tensor, *, is_image: bool) -> Float[Tensor, "R B units"]:
        replicas = len(self.weights["readout_bias"])
        if is_image:
            return x.flatten(1).expand(replicas, -1, -1)
        return ops.to_features(x, replicas) if x.ndim == 4 else x

    def described_layers(self) -> list[DescribedLayer]:
        """Return the layers for compiled training steps."""
        described: list[DescribedLayer] = []
        inputs = self.image.channels
        *hidden, _ = self.spec.layer_table(self.image).layers
        for layer in hidden:
            maps = layer.shape[0]
            if layer.window is None:
                described.append(FullyConnected(name=layer.name, units=layer.units, activation="tanh"))
            else:
                windows: dict[str, Any] = {
                    "name": layer.name,
                    "kernel": layer.window.size,
                    "stride": layer.window.step,
                    "padding": layer.window.padding,
                    "background": self.spec.BACKGROUND,
                    "activation": "tanh",
                }
                described.append(
                    Convolution(table=all_of(inputs, maps=maps), **windows)
                    if layer.kind is LayerKind.CONVOLUTION
                    else LocalConnections(maps=maps, **windows)
                )
            inputs = maps
        return [*described, ops.described_readout(self.spec, self.image.classes)]
