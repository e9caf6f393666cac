"""Limit of the kernels with images as lanes; estimates of memory need it without torch."""

from __future__ import annotations

from functools import cache

_MAX_FILTERS = 21
"""Most filters of a group for which lanes are measured to be faster than instructions for whole matrices."""


def lanes_are_faster(filters: int) -> bool:
    """Return True if, in bf16 on this processor, fp32 with images as lanes is faster than oneDNN's kernels.

    With instructions for products of matrices, wider networks have not been measured.

    Args:
        filters: filters of a group in the network's last convolution.
    """
    return filters <= _MAX_FILTERS or not has_bf16_tiles()


@cache
def has_bf16_tiles() -> bool:
    """Return True if the processor has instructions for products of whole matrices in bf16."""
    from llvmlite.binding import get_host_cpu_features  # only for wide networks: the import takes time

    return bool(get_host_cpu_features().get("amx-bf16"))
