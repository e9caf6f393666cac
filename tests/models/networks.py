"""Networks to test, and images for them."""

from __future__ import annotations

import torch
from torch import Tensor

from scaling.architectures import AnyArchitecture, Lenet5, Tree3, Vgg
from scaling.settings import ImageShape

MNIST, CIFAR10, USPS = ImageShape(1, 28, 10), ImageShape(3, 32, 10), ImageShape(1, 16, 10)

NETWORKS: dict[str, tuple[AnyArchitecture, ImageShape]] = {
    "lenet5": (Lenet5(filters=6), MNIST),
    "lenet5 in colour": (Lenet5(filters=3, second_filters=5), CIFAR10),
    "lenet5, average pooling of tanh": (Lenet5(filters=3, activation="tanh", pooling="average"), CIFAR10),
    "lenet5, average pooling of relu": (Lenet5(filters=3, pooling="average", hidden=(9,)), USPS),
    "lenet5, tanh": (Lenet5(filters=2, activation="tanh", hidden=(11, 13, 7)), MNIST),
    "lenet5, one convolution": (Lenet5(filters=4, convolutions=1, hidden=(12,)), CIFAR10),
    "lenet5, nothing hidden": (Lenet5(filters=4, kernel=3, hidden=()), MNIST),
    "lenet5, one filter": (Lenet5(filters=1, convolutions=1, hidden=()), USPS),
    "tree3": (Tree3(filters=3, branches=4), CIFAR10),
    "tree3 on mnist": (Tree3(filters=6, rows=4), MNIST),
    "tree3, relu and biases": (Tree3(filters=2, branches=5, rows=7, activation="relu", biases=True), CIFAR10),
    "tree3, sigmoid and biases": (Tree3(filters=1, branches=1, rows=3, biases=True), MNIST),
    "tree3, relu": (Tree3(filters=5, branches=2, rows=3, activation="relu"), USPS),
}

VGGS: dict[str, tuple[AnyArchitecture, ImageShape]] = {
    "vgg, depth 6": (Vgg(filters=3, depth=6), CIFAR10),
    "vgg, depth 8 on mnist": (Vgg(filters=1, depth=8), MNIST),
    "vgg, depth 13": (Vgg(filters=2, depth=13), CIFAR10),
    "vgg, depth 16, pooling next to the output": (Vgg(filters=1, depth=16, pooling="output"), CIFAR10),
    "vgg, depth 11, pooling next to the output": (Vgg(filters=4, depth=11, pooling="output"), CIFAR10),
}


def images(shape: ImageShape, count: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return noise in the memory format of training, and labels."""
    generator = torch.Generator().manual_seed(7)
    pixels = torch.randn(count, shape.channels, shape.side, shape.side, generator=generator)
    return pixels.to(dtype, memory_format=torch.channels_last), torch.randint(
        shape.classes, (count,), generator=generator
    )
