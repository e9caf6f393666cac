"""A stored network, and what its convolutions make of an image, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from scaling.architectures import Architecture
from scaling.errors import StoreError
from scaling.models import build, named_weights
from scaling.settings import ImageShape


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureMaps:
    """One network before one image; all in fp32, whatever it was trained in."""

    filters: Float[np.ndarray, "filters channels row col"]
    """Of the first layer; with one channel each where colours are convolved apart, and those of the first colour first."""
    maps: dict[str, Float[np.ndarray, "maps height width"]]
    """Of each convolution by its name, as its activation is to see them: with their biases, normalised, not pooled yet."""
    logits: Float[np.ndarray, " classes"]


def extract(
    spec: Architecture, shape: ImageShape, stored: bytes, image: Float[Tensor, "1 C side side"]
) -> FeatureMaps:
    """Show a network an image.

    Args:
        spec: the network.
        shape: of its images.
        stored: its weights, as safetensors.
        image: normalised, in fp32.

    Raises:
        StoreError: the weights are damaged, or another network's.
    """
    network = load_network(spec, shape, stored).eval()
    first, *others = spec.layer_table(shape).layers
    names = [layer.name for layer in (first, *others) if layer.macs and layer.window]
    with torch.inference_mode(), _Convolved() as seen:
        logits = network(image)
    filters = named_weights(network)[f"{first.name}_weight"]
    return FeatureMaps(
        filters=filters.reshape(first.shape[0], -1, *filters.shape[-2:]).numpy(),
        maps={name: made[0].numpy() for name, made in zip(names, seen.maps, strict=True)},
        logits=logits[0, 0].numpy(),
    )


def load_network(spec: Architecture, shape: ImageShape, stored: bytes) -> nn.Module:
    """A module of one replica that has stored weights.

    Raises:
        StoreError: they are damaged, or another network's.
    """
    network = build(spec, shape, [0])
    try:
        known = load(stored)
    except SafetensorError as error:
        raise StoreError(f"its weights are damaged ({error}); train it again in another store") from error
    mine = named_weights(network)
    if {name: value.shape for name, value in known.items()} != {
        name: value.shape[1:] for name, value in mine.items()
    }:
        raise StoreError(
            f"its weights are not those of {spec.type} of {spec.filters} filters; train it again in another store"
        )
    for name, value in mine.items():
        value[0].copy_(known[name])
    return network


class _Convolved(TorchFunctionMode):
    """Keeps what each convolution gives, and batch norm makes of it."""

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
        made = func(*args, **(kwargs or {}))
        if func is F.conv2d:
            self.maps.append(made)
        elif func is F.batch_norm:
            self.maps[-1] = made
        return made
