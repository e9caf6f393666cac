"""Networks with a replica axis, in torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module

from torch import Tensor, nn

from scaling.architectures import Architecture, network_path
from scaling.settings import ImageShape


def build(spec: Architecture, image: ImageShape, seeds: Sequence[int]) -> nn.Module:
    """Build R = ``len(seeds)`` networks as one module: images [B, C, side, side] to logits [R, B, classes].

    The class that ``spec`` is registered with is called with the same arguments. Replica r must depend on
    ``seeds[r]`` alone; every parameter and buffer must have R as its first axis; nothing may reduce over it.
    The weights of a layer ``name`` of the layer table are in the parameter ``weights.{name}_weight``.
    """
    module, _, name = network_path(spec).partition(":")
    network: nn.Module = getattr(import_module(module), name)(spec, image, seeds)
    return network


def named_weights(networks: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and the statistics of batch norm by name, with R as the first axis."""
    return {
        name.removeprefix("weights."): value.detach()
        for name, value in (*networks.named_parameters(), *networks.named_buffers())
    }


def trained_weights(networks: nn.Module) -> dict[str, Tensor]:
    """Return the parameters alone, with the names of ``named_weights``."""
    return {name.removeprefix("weights."): value.detach() for name, value in networks.named_parameters()}


def load_weights(networks: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Copy weights with the names and shapes of ``named_weights`` into networks."""
    for name, value in named_weights(networks).items():
        value.copy_(weights[name])
