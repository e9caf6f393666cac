"""Initial weights of one replica, each drawn from a generator of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import sqrt

import torch
from torch import Tensor, nn

Weights = dict[str, Tensor]


def lecun_normal(generator: torch.Generator, *shape: int, fan_in: int) -> Tensor:
    """Normal with variance ``1 / fan_in`` (LeCun, Bottou, Orr & Müller, Efficient BackProp, 1998)."""
    return torch.randn(shape, generator=generator) / sqrt(fan_in)


def he_normal(generator: torch.Generator, *shape: int, fan_in: int) -> Tensor:
    """Normal with variance ``2 / fan_in`` (He et al. 2015). Fan-in is written out because torch would misread the replica axis."""
    return torch.randn(shape, generator=generator) * sqrt(2 / fan_in)


def stack_replicas(init: Callable[[torch.Generator], Weights], seeds: Sequence[int]) -> nn.ParameterDict:
    """One replica a seed, stacked along a leading axis R."""
    drawn = [init(torch.Generator().manual_seed(seed)) for seed in seeds]
    return nn.ParameterDict(
        {name: nn.Parameter(torch.stack([replica[name] for replica in drawn])) for name in drawn[0]}
    )
