"""VGG's layer table: published counts, and sums written as products."""

from __future__ import annotations

import pytest

from scaling.architectures import Vgg
from scaling.settings import ImageShape, Problem

CIFAR10, MNIST, USPS = ImageShape(3, 32, 10), ImageShape(1, 28, 10), ImageShape(1, 16, 10)


def test_the_standard_network_has_the_published_parameters():
    """Features of torchvision's vgg16_bn, and one linear layer."""
    table = Vgg(filters=64).layer_table(CIFAR10)
    assert table.parameters == 14_728_266
    assert table.parameters - (512 * 10 + 10) == 14_723_136


@pytest.mark.parametrize(("depth", "convolutions"), [(6, 5), (8, 7), (11, 8), (13, 10), (16, 13)])
def test_depths(depth: int, convolutions: int):
    table = Vgg(filters=4, depth=depth).layer_table(CIFAR10)
    assert sum(layer.name.startswith("conv") for layer in table.layers) == convolutions
    assert table.depth == convolutions + 1


@pytest.mark.parametrize(
    ("depth", "features"),
    [(11, 9_225_984), (13, 9_410_880), (16, 14_723_136)],
    ids=["vgg11_bn", "vgg13_bn", "vgg16_bn"],
)
def test_feature_parameters_equal_torchvisions(depth: int, features: int):
    import torch
    import torchvision

    with torch.device("meta"):  # without memory for the weights
        torchvision_features = getattr(torchvision.models, f"vgg{depth}_bn")().features
    assert sum(parameter.numel() for parameter in torchvision_features.parameters()) == features
    assert Vgg(filters=64, depth=depth).layer_table(CIFAR10).parameters == features + 5130


def test_parameters_of_a_small_network_as_products():
    """Depth 6 with F = 2: five convolutions of 3x3 on maps with sides of 32, 16, 8, 4 and 2 pixels."""
    table = Vgg(filters=2, depth=6).layer_table(CIFAR10)
    assert (
        table.macs
        == 9 * (3 * 2 * 32**2 + 2 * 4 * 16**2 + 4 * 8 * 8**2 + 8 * 16 * 4**2 + 16 * 16 * 2**2) + 16 * 10
    )
    assert (
        table.parameters
        == 9 * (3 * 2 + 2 * 4 + 4 * 8 + 8 * 16 + 16 * 16) + 3 * (2 + 4 + 8 + 16 + 16) + 16 * 10 + 10
    )


def test_pooling_next_to_the_output_changes_macs_but_no_parameters_before_the_readout():
    usual, late = (
        Vgg(filters=4, depth=11, pooling=where).layer_table(CIFAR10) for where in ("blocks", "output")
    )
    assert late.parameters == usual.parameters
    assert late.macs > usual.macs
    assert [layer.shape[1] for layer in late.layers if layer.name.startswith("pool")] == [16, 8, 1]
    assert [layer.shape[1] for layer in usual.layers if layer.name.startswith("pool")] == [16, 8, 4, 2, 1]


def test_images():
    assert Vgg(filters=4).layer_table(MNIST).layers[0].shape == (4, 32, 32)
    assert Vgg(filters=4).problem(MNIST) is None
    assert Vgg(filters=4).problem(USPS) == Problem("type", "needs images of at least 32x32")
