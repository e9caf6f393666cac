"""Initial weights of one replica, from its own random generator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

import torch
from torch import Tensor, nn

Weights = dict[str, Tensor]


def lecun_normal(generator: torch.Generator, *shape: int, fan_in: int) -> Tensor:
    """Draw from a normal distribution with variance ``1 / fan_in``.

    Source: LeCun, Bottou, Orr & Müller, Efficient BackProp, 1998.
    """
    return torch.randn(shape, generator=generator) / sqrt(fan_in)


def he_normal(generator: torch.Generator, *shape: int, fan_in: int) -> Tensor:
    """Draw from a normal distribution with variance ``2 / fan_in`` (He et al. 2015).

    The fan-in is an argument because torch would misread the replica axis.
    """
    return torch.randn(shape, generator=generator) * sqrt(2 / fan_in)


def stack_replicas(init: Callable[[torch.Generator], Weights], seeds: Sequence[int]) -> nn.ParameterDict:
    """Stack the initial weights of one replica per seed along a new first axis R.

    Args:
        init: returns the weights of one replica by name.
        seeds: seed of each replica's generator.
    """
    replicas = [init(torch.Generator().manual_seed(seed)) for seed in seeds]
    return nn.ParameterDict(
        {name: nn.Parameter(torch.stack([weights[name] for weights in replicas])) for name in replicas[0]}
    )
