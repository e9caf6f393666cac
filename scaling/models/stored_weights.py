"""Weights of one network as they are stored: safetensors, with the masks of a pruned network beside them.

The names of masks begin with ``mask.``. The masks are stored, because a weight that is left can be 0 as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from scaling.errors import StoreError

_MASK = "mask."


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredWeights:
    """Weights of one network, with the names and shapes of ``named_weights`` but without the axis R."""

    weights: dict[str, Tensor]
    masks: dict[str, Tensor]
    """False for the deleted weights; empty for a network that is not pruned."""


def encode_weights(weights: Mapping[str, Tensor], masks: Mapping[str, Tensor] | None = None) -> bytes:
    """Return the weights of one network as safetensors.

    Args:
        weights: weights by name.
        masks: False for the deleted weights.
    """
    tensors = {**weights, **{_MASK + name: mask for name, mask in (masks or {}).items()}}
    return save({name: tensor.contiguous() for name, tensor in tensors.items()})


def decode_weights(stored: bytes) -> StoredWeights:
    """Return the weights of one network.

    Args:
        stored: weights, as safetensors.

    Raises:
        StoreError: the weights are damaged.
    """
    try:
        tensors = load(stored)
    except (SafetensorError, KeyError) as error:  # safetensors has types that torch lacks
        raise StoreError(f"its weights are damaged ({error}); train it again in another store") from error
    masks = {name.removeprefix(_MASK): tensor for name, tensor in tensors.items() if name.startswith(_MASK)}
    return StoredWeights(
        weights={name: tensor for name, tensor in tensors.items() if not name.startswith(_MASK)}, masks=masks
    )
