"""The feature maps of a stored network on one image, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from scaling.architectures import Architecture, LayerKind
from scaling.errors import StoreError
from scaling.models import build, layer_weight, named_weights
from scaling.models.operations import reference_operations
from scaling.models.stored_weights import decode_weights
from scaling.settings import ImageShape


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureMaps:
    """Filters, feature maps and logits of one network on one image, in fp32."""

    filters: Float[np.ndarray, "filters channels row col"]
    """Filters of the first layer, with one channel each if colours are convolved apart.

    If units do not share weights, each unit has its own filter. The filters of a fully connected layer have
    the size of the image.
    """
    maps: dict[str, Float[np.ndarray, "maps height width"]]
    """Input of each convolution's activation by layer name: with biases, normalised, not yet pooled."""
    logits: Float[np.ndarray, " classes"]


def extract(
    spec: Architecture, shape: ImageShape, stored: bytes, image: Float[Tensor, "1 C side side"]
) -> FeatureMaps:
    """Return the feature maps of a network on an image.

    Args:
        spec: specification of the network.
        shape: shape of its images.
        stored: weights of the network, as safetensors.
        image: normalised image, in fp32.

    Raises:
        StoreError: the weights are damaged or belong to another network.
    """
    network = load_network(spec, shape, stored).eval()
    layers = spec.layer_table(shape).layers
    convolutions = [layer.name for layer in layers if layer.kind is LayerKind.CONVOLUTION]
    with torch.inference_mode(), reference_operations(), _RecordConvolutions() as recorder:
        logits = network(image)
    if layers[0].kind not in _DRAWN or len(recorder.maps) != len(convolutions):
        raise StoreError(
            f"{spec.title} cannot be drawn: its first layer has no filters, or a convolution is no module"
        )
    filters = layer_weight(network, layers[0].name).detach()
    count = layers[0].units if layers[0].kind is LayerKind.LOCALLY_CONNECTED else layers[0].shape[0]
    return FeatureMaps(
        filters=filters.reshape(count, -1, *filters.shape[-2:]).numpy(),
        maps={name: maps[0].numpy() for name, maps in zip(convolutions, recorder.maps, strict=True)},
        logits=logits[0, 0].numpy(),
    )


def load_network(spec: Architecture, shape: ImageShape, stored: bytes) -> nn.Module:
    """Return a module of one replica with stored weights, as ``load_replicas`` does."""
    return load_replicas(spec, shape, [stored])


def load_replicas(spec: Architecture, shape: ImageShape, stored: Sequence[bytes]) -> nn.Module:
    """Return a module with one replica for each set of stored weights.

    Args:
        spec: specification of the network.
        shape: shape of its images.
        stored: weights of each replica, as safetensors.

    Raises:
        StoreError: weights are damaged or belong to another network.
    """
    network = build(spec, shape, range(len(stored)))
    weights = named_weights(network)
    for replica, content in enumerate(stored):
        stored_weights = decode_weights(content).weights
        if {name: value.shape for name, value in stored_weights.items()} != {
            name: value.shape[1:] for name, value in weights.items()
        }:
            raise StoreError(
                f"its weights are not those of {spec.type} of {spec.filters} filters; "
                "train it again in another store"
            )
        for name, value in weights.items():
            value[replica].copy_(stored_weights[name])
    return network


_DRAWN = (LayerKind.CONVOLUTION, LayerKind.LOCALLY_CONNECTED, LayerKind.LINEAR)
"""Kinds of a first layer whose weights are filters."""


class _RecordConvolutions(TorchFunctionMode):
    """Records the output of each convolution, with added biases, or of the batch norm that follows it."""

    def __init__(self) -> None:
        super().__init__()
        self.maps: list[Tensor] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is F.conv2d:
            self.maps.append(result)
        elif func is F.batch_norm or (func is Tensor.add and self.maps and args[0] is self.maps[-1]):
            self.maps[-1] = result
        return result
