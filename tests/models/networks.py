"""Networks to test, and images for them."""

from __future__ import annotations

import torch
from torch import Tensor

from scaling.architectures import (
    AnyArchitecture,
    Hybrid1988,
    Lenet1,
    Lenet1Teaching,
    Lenet4,
    Lenet5,
    Lenet5Of1998,
    Net1,
    Net2,
    Net3,
    Net4,
    Net5,
    Tree3,
    Vgg,
    Zipcode1989,
)
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

COLOUR, SMALL_COLOUR = ImageShape(3, 28, 10), ImageShape(2, 16, 10)
PLANE, FEATURES = ImageShape(1, 32, 10), ImageShape(270, 1, 10)
HISTORIC: dict[str, tuple[AnyArchitecture, ImageShape]] = {
    "lenet1": (Lenet1(filters=4), MNIST),
    "lenet1, squashed, in colour": (Lenet1(filters=8, output="tanh", initial_range="fan_in"), COLOUR),
    "lenet1, wide": (Lenet1(filters=12), MNIST),
    "lenet1_teaching": (Lenet1Teaching(filters=4), MNIST),
    "lenet1_teaching, squashed, in colour": (Lenet1Teaching(filters=8, output="tanh"), COLOUR),
    "zipcode1989": (Zipcode1989(filters=12), USPS),
    "zipcode1989, squashed, in colour": (Zipcode1989(filters=24, output="tanh"), SMALL_COLOUR),
    "net1": (Net1(filters=1), USPS),
    "net1, squashed, in colour": (Net1(filters=1, output="tanh"), SMALL_COLOUR),
    "net2": (Net2(filters=12, output="tanh"), USPS),
    "net2, wider, in colour": (Net2(filters=24), SMALL_COLOUR),
    "net3": (Net3(filters=1, output="tanh"), USPS),
    "net3, wider, in colour": (Net3(filters=2), SMALL_COLOUR),
    "net4": (Net4(filters=2, output="tanh"), USPS),
    "net4, wider, in colour": (Net4(filters=4), SMALL_COLOUR),
    "net5": (Net5(filters=2, output="tanh"), USPS),
    "net5, wider, in colour": (Net5(filters=4), SMALL_COLOUR),
    "hybrid1988": (Hybrid1988(filters=40), FEATURES),
    "hybrid1988, squashed, on pixels": (Hybrid1988(filters=80, output="tanh"), SMALL_COLOUR),
    "lenet4": (Lenet4(filters=4), MNIST),
    "lenet4, wider, without a border": (Lenet4(filters=8), PLANE),
    "lenet5_1998": (Lenet5Of1998(filters=6), MNIST),
    "lenet5_1998, wider, in colour": (Lenet5Of1998(filters=12, initial_range="fan_in"), COLOUR),
}


def images(shape: ImageShape, count: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return noise in the memory format of training, and labels."""
    generator = torch.Generator().manual_seed(7)
    pixels = torch.randn(count, shape.channels, shape.side, shape.side, generator=generator)
    return pixels.to(dtype, memory_format=torch.channels_last), torch.randint(
        shape.classes, (count,), generator=generator
    )
