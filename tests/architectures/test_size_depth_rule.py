"""sqrt(size) x depth = constant, from the layers."""

from __future__ import annotations

from math import sqrt

import pytest

from scaling.architectures import Lenet5, Tree3
from scaling.architectures.size_depth_rule import size_depth_ratios
from scaling.settings import ImageShape


@pytest.mark.parametrize("image", [ImageShape(3, 32, 10), ImageShape(1, 28, 10)])
def test_lenet5_on_32x32_needs_28_over_10_or_14_over_5(image):
    ratios = size_depth_ratios(Lenet5(filters=6).layer_table(image))
    assert ratios == {"unpooled": 28 / 10, "pooled": 14 / 5}
    layers = {layer.name: layer for layer in Lenet5(filters=10, ratio=2.8).layer_table(image).layers}
    for name in ("conv", "pool"):
        first, second = (layers[f"{name}{nth}"].shape for nth in (1, 2))
        assert sqrt(first[1] * first[2]) * first[0] == sqrt(second[1] * second[2]) * second[0]


def test_the_two_ratios_differ_if_pooling_leaves_a_row_out():
    ratios = size_depth_ratios(Lenet5(filters=6, kernel=3).layer_table(ImageShape(3, 32, 10)))
    assert ratios == {"unpooled": 30 / 13, "pooled": 15 / 6}


def test_one_convolution_has_no_ratio():
    assert size_depth_ratios(Lenet5(filters=6, convolutions=1).layer_table(ImageShape(3, 32, 10))) == {}
    assert size_depth_ratios(Tree3(filters=6).layer_table(ImageShape(3, 32, 10))) == {}
