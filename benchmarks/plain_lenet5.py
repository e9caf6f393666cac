"""LeNet-5 in torch's own layers, for the trainings that this software is compared with."""

from __future__ import annotations

from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SIDE_AFTER_POOLING = 5
HIDDEN = (120, 84)
CLASSES = 10


class LeNet5(nn.Module):
    """LeNet-5 on 32x32 images, to which MNIST's are padded, with LeCun-normal weights and zero biases."""

    def __init__(self, channels: int, filters: int, second_filters: int, seed: int, *, padding: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 5, padding=padding)
        self.conv2 = nn.Conv2d(filters, second_filters, 5)
        self.fc1 = nn.Linear(second_filters * SIDE_AFTER_POOLING**2, HIDDEN[0])
        self.fc2 = nn.Linear(*HIDDEN)
        self.fc3 = nn.Linear(HIDDEN[1], CLASSES)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for layer in (self.conv1, self.conv2, self.fc1, self.fc2, self.fc3):
                layer.weight.copy_(
                    torch.randn(layer.weight.shape, generator=generator) / sqrt(layer.weight[0].numel())
                )
                layer.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(torch.flatten(x, 1)))
        x = F.relu(self.fc2(x))
        return self.fc3(x)
