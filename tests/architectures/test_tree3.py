"""The tree's counts for each published size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scaling.architectures import Tree3
from scaling.settings import ImageShape, Problem

MNIST, CIFAR10 = ImageShape(1, 28, 10), ImageShape(3, 32, 10)

COUNTS = {
    (CIFAR10, 2, 6, 16): (450, 56_448, 3_360, 60_258, 60_622),
    (CIFAR10, 2, 15, 16): (1_125, 141_120, 3_360, 145_605, 145_996),
    (CIFAR10, 2, 15, 80): (1_125, 705_600, 16_800, 723_525, 725_260),
    (MNIST, 4, 6, 16): (150, 13_824, 480, 14_454, 14_518),
    (MNIST, 4, 15, 16): (375, 34_560, 480, 35_415, 35_488),
    (MNIST, 4, 15, 80): (375, 172_800, 2_400, 175_575, 175_840),
}
"""(images, rows, K, M): weights of the convolution, the tree, the readout; all of them; all with biases."""


@pytest.mark.parametrize(("image", "rows", "K", "M"), COUNTS)
def test_parameters(image, rows, K, M):
    conv, tree, readout, weights, with_biases = COUNTS[image, rows, K, M]
    layers = Tree3(filters=K, branches=M, rows=rows).layer_table(image)
    assert [layer.parameters for layer in layers.layers] == [conv, 0, tree, readout]
    assert layers.parameters == weights
    assert Tree3(filters=K, branches=M, rows=rows, biases=True).layer_table(image).parameters == with_biases


def test_the_arithmetic_on_cifar10():
    """A unit of a branch sees 2 x 14 pooled values of each of K maps of its colour; no weight is shared."""
    K, M, C, S = 6, 16, 3, 7
    spec = Tree3(filters=K)
    conv, pool, tree, readout = spec.layer_table(CIFAR10).layers
    assert (conv.shape, pool.shape, tree.shape) == ((C * K, 28, 28), (C * K, 14, 14), (M, C, S))
    assert conv.parameters == C * K * 25 == 450
    assert conv.macs == 784 * 25 * C * K == 352_800
    assert tree.parameters == tree.macs == M * C * S * K * 2 * 14 == M * K * C * 196
    assert tree.units == 21 * M
    assert readout.parameters == readout.macs == 21 * M * 10
    assert spec.filters_total(CIFAR10) == 18
    assert Tree3(filters=15).layer_table(CIFAR10).layers[0].macs == 882_000


def test_the_arithmetic_on_mnist():
    """24 pooled to 12, strips of 4 x 12: three per branch, 48 in all."""
    conv, pool, tree, readout = Tree3(filters=6, rows=4).layer_table(MNIST).layers
    assert (conv.shape, pool.shape, tree.shape) == ((6, 24, 24), (6, 12, 12), (16, 1, 3))
    assert tree.parameters == 16 * 6 * 144
    assert (tree.units, readout.parameters) == (48, 48 * 10)


def test_depth_is_three():
    assert Tree3(filters=6).layer_table(CIFAR10).depth == 3


def test_connections_without_biases_are_macs_plus_four_per_pooled_unit():
    for image, rows in ((CIFAR10, 2), (MNIST, 4)):
        layers = Tree3(filters=6, rows=rows).layer_table(image)
        assert layers.connections == layers.macs + 4 * layers.layers[1].units


def test_macs_are_within_three_per_cent_of_lenet5():
    assert abs(COUNTS[CIFAR10, 2, 6, 16][3] / 62_006 - 1) < 0.03


def test_the_message_names_the_rows_that_divide_the_map():
    assert Tree3(filters=6, rows=4).problem(CIFAR10) == Problem(
        "rows",
        "expected a divisor of the 14 rows of the pooled map: 1, 2, 7, 14; got 4",
    )
    assert Tree3(filters=6, rows=5).problem(MNIST) == Problem(
        "rows",
        "expected a divisor of the 12 rows of the pooled map: 1, 2, 3, 4, 6, 12; got 5",
    )


def test_images_that_are_too_small_are_refused():
    assert Tree3(filters=6, rows=1).problem(ImageShape(1, 5, 10)) == Problem(
        "type", "needs images of at least 6x6"
    )
    assert Tree3(filters=6, rows=1).problem(ImageShape(1, 6, 10)) is None


@given(side=st.integers(6, 64), rows=st.integers(1, 40))
def test_strips_cover_the_map_once(side, rows):
    image, spec = ImageShape(1, side, 10), Tree3(filters=1, rows=rows)
    if spec.problem(image) is None:
        assert spec.strips(image) * rows == spec.pooled_side(image)
    else:
        assert spec.pooled_side(image) % rows
