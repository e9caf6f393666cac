"""Modules with a replica axis. A new architecture is one file here, one line here, and its specification."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from scaling.architectures import Architecture
from scaling.models.lenet5 import PackedLenet5
from scaling.models.tree3 import PackedTree3
from scaling.models.vgg import PackedVgg
from scaling.settings import ImageShape

MODULES: dict[str, Callable[[Any, ImageShape, Sequence[int]], nn.Module]] = {
    "lenet5": PackedLenet5,
    "tree3": PackedTree3,
    "vgg": PackedVgg,
}


def build(spec: Architecture, image: ImageShape, seeds: Sequence[int]) -> nn.Module:
    """R = ``len(seeds)`` networks as one module: images [B, C, side, side] to logits [R, B, classes].

    Replica r depends on ``seeds[r]`` alone. Every parameter and buffer has R as its first axis and nothing is reduced over it.
    """
    return MODULES[spec.type](spec, image, seeds)


def named_weights(networks: nn.Module) -> dict[str, Tensor]:
    """All that makes a network what it is, by name, with R as the first axis: parameters, and the statistics of what it normalises."""
    return {
        name.removeprefix("weights."): value.detach()
        for name, value in (*networks.named_parameters(), *networks.named_buffers())
    }
