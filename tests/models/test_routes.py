"""Routes, counted over the units that torch's own layers connect."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn

from scaling.architectures import AnyArchitecture, Lenet5, Tree3, Vgg
from scaling.models import build, named_weights
from scaling.settings import ImageShape
from tests.models.networks import CIFAR10, MNIST
from tests.models.plain_networks import PlainTree3, plain

Part = Callable[[Tensor], Tensor]
TINY = ImageShape(2, 12, 3)
NETWORKS: dict[str, tuple[AnyArchitecture, ImageShape]] = {
    "two convolutions": (Lenet5(filters=2, second_filters=3, kernel=3, hidden=(3, 2)), TINY),
    "two convolutions, every window cut": (
        Lenet5(filters=1, second_filters=2, kernel=3, hidden=(2,)),
        ImageShape(1, 11, 2),
    ),
    "two convolutions, average pooling": (
        Lenet5(filters=1, second_filters=2, kernel=3, hidden=(), pooling="average"),
        TINY,
    ),
    "two convolutions of 5x5": (Lenet5(filters=1, second_filters=2, hidden=(4,)), CIFAR10),
    "one convolution": (Lenet5(filters=2, convolutions=1, hidden=(3, 5, 2)), TINY),
    "one convolution, nothing hidden": (Lenet5(filters=2, convolutions=1, hidden=()), TINY),
    "tree3": (Tree3(filters=2, rows=2, branches=3), TINY),
    "vgg, depth 6": (Vgg(filters=1, depth=6), CIFAR10),
    "vgg, depth 6, pooling next to the output": (
        Vgg(filters=1, depth=6, pooling="output"),
        ImageShape(1, 32, 2),
    ),
}


@pytest.mark.parametrize(("spec", "image"), NETWORKS.values(), ids=NETWORKS.keys())
def test_routes_equal_the_paths_between_connected_units(spec, image):
    assert max(brute_force(spec, image)) == spec.layer_table(image).routes


def test_published_routes():
    """LeNet-5 has more than a million routes, the tree one."""
    for image in (MNIST, CIFAR10):
        assert Lenet5(filters=6).layer_table(image).routes == 25 * 16 * 120 * 84 == 4_032_000
        assert Lenet5(filters=6, convolutions=1).layer_table(image).routes == 120 * 84
        assert Lenet5(filters=6, convolutions=1, hidden=()).layer_table(image).routes == 1
        assert Tree3(filters=15, branches=80).layer_table(image).routes == 1


def brute_force(spec: AnyArchitecture, image: ImageShape) -> list[int]:
    """Return the paths to output 0 from each unit of the first layer's maps; for the tree, in each branch."""
    network = linked(
        plain(spec, image, {name: value[0] for name, value in named_weights(build(spec, image, [0])).items()})
    ).eval()
    x = torch.rand(1, image.channels, image.side, image.side, generator=torch.Generator().manual_seed(0))
    if isinstance(network, PlainTree3):
        return [
            paths
            for branch in range(spec.branches)
            for paths in counted(tree_parts(network, branch), network.conv(x))
        ]
    parts = list(network)
    first = next(i for i, part in enumerate(parts) if isinstance(part, nn.Conv2d)) + 1
    return counted(parts[first:], nn.Sequential(*parts[:first])(x))


def linked(network: nn.Module) -> nn.Module:
    """Replace pooling by averages, which pass every pixel, and drop activations, which block some."""
    for name, module in network.named_children():
        if isinstance(module, nn.MaxPool2d):
            setattr(network, name, nn.AvgPool2d(module.kernel_size))
        elif isinstance(module, nn.ReLU):
            setattr(network, name, nn.Identity())
    return network


def tree_parts(network: PlainTree3, branch: int) -> list[Part]:
    """Return the layers after the convolution, in one branch."""
    M, C, K, S, row, _ = network.shape

    def tree(pooled: Tensor) -> Tensor:
        strips = [
            pooled[:, c * K : (c + 1) * K, s * row : (s + 1) * row].flatten(1)
            for c in range(C)
            for s in range(S)
        ]
        return torch.stack(
            [linear(strip)[:, branch] for linear, strip in zip(network.tree, strips, strict=True)], dim=1
        )

    readout = network.readout.weight.view(-1, M, C * S)[:, branch]
    return [network.pool, tree, lambda units: units @ readout.T]


def counted(parts: Sequence[Part], x: Tensor) -> list[int]:
    """Count the paths from each input to output 0; a link is a dependence of one number on another."""
    links = []
    for part in parts:
        slopes, y = torch.autograd.functional.jacobian(part, x, vectorize=True), part(x)
        links.append((slopes.reshape(y.numel(), x.numel()) != 0).long())
        x = y.detach()
    ways = links[-1][0]
    for link in reversed(links[:-1]):
        ways = link.T @ ways
    return ways.tolist()
