"""Choice of the operations that compute a network's convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import ModuleType

import torch
from torch import Tensor

from scaling.models import ops_bf16_cpu, ops_reference, ops_vector_cpu
from scaling.models.products import HAS_BF16_KERNELS
from scaling.plan.lane_limit import lanes_are_faster

_has_reference_only = ContextVar("has_reference_only", default=False)


@contextmanager
def reference_operations() -> Iterator[None]:
    """Compute with the reference inside the block: one operation of torch for each layer."""
    token = _has_reference_only.set(True)
    try:
        yield
    finally:
        _has_reference_only.reset(token)


def select_operations(image: Tensor, *, filters: int, kernel: int, pooling: str) -> ModuleType:
    """Return the fastest module of operations for a network on this device.

    The choice depends on the architecture and the device only, so that equal devices compute equal bits.

    Args:
        image: images that the network sees.
        filters: filters of a group in the network's last convolution.
        kernel: rows and columns of a filter.
        pooling: pooling after each convolution.
    """
    if _has_reference_only.get():
        return ops_reference
    has_bf16 = HAS_BF16_KERNELS and image.dtype == torch.bfloat16
    has_lanes = not has_bf16 or lanes_are_faster(filters)
    if has_lanes and ops_vector_cpu.supports(image, kernel=kernel, pooling=pooling):
        return ops_vector_cpu
    return ops_bf16_cpu if ops_bf16_cpu.supports(image) else ops_reference
