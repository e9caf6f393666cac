"""Networks of a user's own, as a study names them: ``own_nets.py:ConvNet``."""

from __future__ import annotations

import random
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvNet(nn.Module):
    """A convolution, batch norm or none, dropout or none, and a readout."""

    def __init__(self, *, image, classes, filters, norm=False, dropout=0.0, hidden=()):
        super().__init__()
        channels, side, _ = image
        self.conv = nn.Conv2d(channels, filters, 3)
        self.norm = nn.BatchNorm2d(filters) if norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        sizes = [filters * ((side - 2) // 2) ** 2, *hidden, classes]
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        x = self.dropout(F.max_pool2d(torch.relu(self.norm(self.conv(x))), 2)).flatten(1)
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x)


class Gated(nn.Module):
    """A network whose path depends on a value, which vmap cannot follow."""

    def __init__(self, *, image, classes, filters):
        super().__init__()
        channels, side, _ = image
        self.first = nn.Linear(channels * side**2, filters)
        self.second = nn.Linear(filters, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x.flatten(1))
        return self.second(x if x.mean() > 0 else -x)


class Tied(nn.Module):
    """Two uses of one weight, a weight that is not trained, and a buffer that is replaced."""

    def __init__(self, *, image, classes, filters):
        super().__init__()
        channels, side, _ = image
        self.frozen = nn.Linear(channels * side**2, filters, bias=False).requires_grad_(False)
        self.first = nn.Linear(filters, filters)
        self.second = nn.Linear(filters, filters)
        self.second.weight = self.first.weight
        self.scale = nn.Parameter(torch.ones(filters, classes))
        self.register_buffer("mean", torch.zeros(filters))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.second(torch.tanh(self.first(self.frozen(x.flatten(1))))))
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.mean(0).detach()
        return (x - self.mean) @ self.scale


def make_mlp(image, classes, filters):
    """Return a network from a function, with initial weights from all three generators."""
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(image[0] * image[1] ** 2, filters), nn.Linear(filters, classes)
    )
    with torch.no_grad():
        network[1].bias.fill_(random.random())
    return network
