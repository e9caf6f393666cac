"""Counts of a user's own network: parameters, multiply-adds and units of its layers, as torch counts them.

A layer is a module that owns parameters or that multiplies by weights itself, or a pooling of torch's.
Operations that are called as functions count for the module that calls them; their units are not counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from scaling.architectures.layers import Layer, LayerKind, Window
from scaling.architectures.own_networks.records import NetworkCounts, OwnNetworkError
from scaling.architectures.own_networks.spec import OwnNetwork
from scaling.models.own_networks.load import blamed_on, make_network
from scaling.models.own_networks.replicas import ROOT_LAYER
from scaling.settings import ImageShape

_BATCH = 2
"""Images of the counted forward pass: batch norm needs more than one in training."""

_KINDS: tuple[tuple[tuple[type[nn.Module], ...], LayerKind], ...] = (
    ((nn.Conv1d, nn.Conv2d, nn.Conv3d), LayerKind.CONVOLUTION),
    ((nn.Linear,), LayerKind.LINEAR),
    (
        (nn.modules.batchnorm._BatchNorm, nn.GroupNorm, nn.LayerNorm, nn.LocalResponseNorm),
        LayerKind.NORMALISATION,
    ),
    (
        (
            nn.modules.pooling._MaxPoolNd,
            nn.modules.pooling._AvgPoolNd,
            nn.modules.pooling._AdaptiveAvgPoolNd,
            nn.modules.pooling._AdaptiveMaxPoolNd,
        ),
        LayerKind.POOLING,
    ),
)


def count(spec: OwnNetwork, image: ImageShape) -> NetworkCounts:
    """Count a network. Its tensors have no memory, unless its code needs their values.

    Raises:
        OwnNetworkError: the factory fails, or its network does not map images to logits.
    """
    try:
        with torch.device("meta"):
            return _count(spec, image)
    except OwnNetworkError:
        return _count(spec, image)


def _count(spec: OwnNetwork, image: ImageShape) -> NetworkCounts:
    network = make_network(spec, image, seed=0)
    images = torch.zeros(_BATCH, image.channels, image.side, image.side)
    outputs: dict[str, Tensor] = {}
    saved: list[int] = []
    owned = {id(tensor) for tensor in (*network.parameters(), *network.buffers())}

    def save(tensor: Tensor) -> Tensor:
        if id(tensor) not in owned:
            saved.append(tensor.numel())
        return tensor

    counter = FlopCounterMode(display=False)
    with (
        blamed_on(spec, "a forward pass"),
        _recorded(network, outputs),
        torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor),
        counter,
    ):
        logits = network(images)
    _check_logits(spec, logits, image)
    macs = _own_macs(network, counter)
    layers = tuple(_layers(network, outputs, macs))
    if not sum(layer.macs for layer in layers):
        raise OwnNetworkError(
            f"{spec.module}: the network has no multiply-adds that torch counts, such as those of nn.Conv2d"
        )
    return NetworkCounts(layers=layers, saved_numbers=sum(saved) // _BATCH)


def _check_logits(spec: OwnNetwork, logits: object, image: ImageShape) -> None:
    expected = (_BATCH, image.classes)
    got = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
    if got != expected:
        shape = (_BATCH, image.channels, image.side, image.side)
        raise OwnNetworkError(
            f"{spec.module}: expected logits of shape {expected} from images of shape {shape}, got {got}"
        )
    if isinstance(logits, Tensor) and not logits.is_floating_point():
        raise OwnNetworkError(f"{spec.module}: expected logits of a floating-point type, got {logits.dtype}")


@contextmanager
def _recorded(network: nn.Module, outputs: dict[str, Tensor]) -> Iterator[None]:
    """Record the output of each module inside the block, in the order of the forward pass."""

    def recorder(name: str) -> Any:
        def record(module: nn.Module, inputs: object, output: object) -> None:
            if isinstance(output, Tensor):
                outputs.setdefault(name, output)

        return record

    handles = [module.register_forward_hook(recorder(name)) for name, module in network.named_modules()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _own_macs(network: nn.Module, counter: FlopCounterMode) -> dict[str, int]:
    """Return the multiply-adds of one image that each module computes itself, without its children's."""
    prefix = f"{type(network).__name__}."
    totals = {
        name.removeprefix(prefix): sum(flops.values()) // 2 // _BATCH
        for name, flops in counter.get_flop_counts().items()
        if name.startswith(prefix)
    }
    own = {"": counter.get_total_flops() // 2 // _BATCH} | totals
    for name, total in totals.items():
        parent = name.rpartition(".")[0]
        while parent not in own:  # a list of modules, which is not called itself
            parent = parent.rpartition(".")[0]
        own[parent] -= total
    return own


def _layers(network: nn.Module, outputs: dict[str, Tensor], macs: dict[str, int]) -> Iterator[Layer]:
    modules = dict(network.named_modules())
    order = [*outputs, *(name for name in modules if name not in outputs)]
    counted: set[int] = set()
    for name in order:
        module = modules[name]
        trained = [
            parameter
            for parameter in module.parameters(recurse=False)
            if parameter.requires_grad and id(parameter) not in counted
        ]
        counted |= {id(parameter) for parameter in trained}
        kind = next((kind for types, kind in _KINDS if isinstance(module, types)), LayerKind.OTHER)
        if trained or macs.get(name, 0) > 0 or kind is LayerKind.POOLING:
            yield _layer(name, kind, module, outputs.get(name), trained, macs.get(name, 0))


def _layer(
    name: str,
    kind: LayerKind,
    module: nn.Module,
    output: Tensor | None,
    trained: list[nn.Parameter],
    macs: int,
) -> Layer:
    shape = tuple(output.shape[1:]) if output is not None else ()
    units = prod(shape) if shape else 0
    has_bias = macs > 0 and getattr(module, "bias", None) is not None
    return Layer(
        name=name or ROOT_LAYER,
        kind=kind,
        shape=shape or (0,),
        parameters=sum(parameter.numel() for parameter in trained),
        connections=macs + units * has_bias,
        macs=macs,
        window=Window() if len(shape) == 3 else None,
    )
