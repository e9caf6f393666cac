"""LeNet-5's counts, written as products, against published counts and against loops."""

from __future__ import annotations

from fractions import Fraction
from math import floor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from scaling.architectures import Lenet5
from scaling.settings import ImageShape, Problem

MNIST, CIFAR10, USPS = ImageShape(1, 28, 10), ImageShape(3, 32, 10), ImageShape(1, 16, 10)

WIDENED = {
    (6, 16): (62_006, 651_720),
    (12, 32): (117_678, 1_772_520),
    (24, 64): (243_422, 5_454_120),
    (48, 128): (552_510, 18_577_320),
    (96, 256): (1_401_086, 67_863_720),
    (192, 512): (4_019_838, 258_596_520),
}
"""(d1, d2): (parameters, MACs) on CIFAR-10, at the ratio 16/6 of 1998."""


def test_parameters_of_the_dense_network_of_1998():
    conv1, conv2, hidden = (1 * 25 + 1) * 6, (6 * 25 + 1) * 16, (16 * 5 * 5 + 1) * 120 + (120 + 1) * 84
    assert Lenet5(filters=6).layer_table(MNIST).parameters == conv1 + conv2 + hidden + (84 + 1) * 10 == 61_706


def test_parameters_on_colour_images():
    conv1, conv2, hidden = (3 * 25 + 1) * 6, (6 * 25 + 1) * 16, (16 * 5 * 5 + 1) * 120 + (120 + 1) * 84
    assert (
        Lenet5(filters=6).layer_table(CIFAR10).parameters == conv1 + conv2 + hidden + (84 + 1) * 10 == 62_006
    )


def test_each_layer_that_was_published_in_1998():
    """C1, C5 and F6 are as printed. C3 was sparse, S2 and S4 had parameters, the readout fixed weights."""
    layers = {layer.name: layer for layer in Lenet5(filters=6).layer_table(MNIST).layers}
    assert (layers["conv1"].parameters, layers["conv1"].connections) == (156, 122_304)
    assert layers["hidden1"].parameters == layers["hidden1"].connections == 48_120
    assert layers["hidden2"].parameters == layers["hidden2"].connections == 10_164
    shapes = {"conv1": (6, 28, 28), "pool1": (6, 14, 14), "conv2": (16, 10, 10), "pool2": (16, 5, 5)}
    assert {name: layers[name].shape for name in shapes} == shapes


@pytest.mark.parametrize(("filters", "second"), WIDENED)
def test_the_widened_networks(filters, second):
    spec = Lenet5(filters=filters)
    assert spec.second_filters == second
    layers = spec.layer_table(CIFAR10)
    macs = (
        28 * 28 * filters * 3 * 25 + 10 * 10 * second * filters * 25 + 25 * second * 120 + 120 * 84 + 84 * 10
    )
    assert layers.macs == macs
    assert (layers.parameters, layers.macs) == WIDENED[filters, second]
    assert spec.filters_total(CIFAR10) == filters


def test_units_and_depth():
    layers = Lenet5(filters=6).layer_table(MNIST)
    assert layers.units == 28**2 + 6 * 28**2 + 6 * 14**2 + 16 * 10**2 + 16 * 5**2 + 120 + 84 + 10
    assert layers.depth == 5
    assert Lenet5(filters=6, convolutions=1, hidden=()).layer_table(MNIST).depth == 2


def test_a_shallow_relative():
    """One convolution and one hidden layer on USPS images, which are not padded: 16 -> 12 -> 6."""
    layers = Lenet5(filters=4, convolutions=1, hidden=(30,)).layer_table(USPS)
    assert [layer.name for layer in layers.layers] == ["conv1", "pool1", "hidden1", "readout"]
    assert layers.parameters == (25 + 1) * 4 + (4 * 6 * 6 + 1) * 30 + (30 + 1) * 10
    assert layers.macs == 12 * 12 * 4 * 25 + 4 * 6 * 6 * 30 + 30 * 10


@given(
    side=st.integers(13, 40),
    channels=st.integers(1, 3),
    kernel=st.integers(1, 4),
    filters=st.integers(1, 5),
    second=st.integers(1, 5),
)
def test_connections_equal_the_links_counted_by_a_loop(side, channels, kernel, filters, second):
    """Every window of every map is one link per pixel and filter; a bias is one more."""
    image = ImageShape(channels, side, 10)
    spec = Lenet5(filters=filters, second_filters=second, kernel=kernel, hidden=(7,))
    maps, links = np.zeros((channels, side + 2 * spec.padding(image), side + 2 * spec.padding(image))), {}
    for i, outputs in enumerate((filters, second), start=1):
        windows = np.lib.stride_tricks.sliding_window_view(maps, (kernel, kernel), axis=(1, 2))
        maps = np.zeros((outputs, *windows.shape[1:3]))
        links[f"conv{i}"] = outputs * windows.size + maps.size
        halved = np.lib.stride_tricks.sliding_window_view(maps, (2, 2), axis=(1, 2))[:, ::2, ::2]
        maps = np.zeros(halved.shape[:3])
        links[f"pool{i}"] = halved.size
    links |= {"hidden1": 7 * (maps.size + 1), "readout": 10 * (7 + 1)}
    assert {layer.name: layer.connections for layer in spec.layer_table(image).layers} == links


@given(filters=st.integers(1, 10_000))
def test_second_filters_at_the_published_ratio_are_exact(filters):
    """Sixths are never a half, so the rounding of the ratio to a float never matters."""
    assert Lenet5(filters=filters).second_filters == max(1, floor(Fraction(16, 6) * filters + Fraction(1, 2)))


@given(filters=st.integers(1, 1000), ratio=st.floats(1e-6, 100))
def test_second_filters_follow_from_the_ratio(filters, ratio):
    assert Lenet5(filters=filters, ratio=ratio).second_filters == max(1, floor(ratio * filters + 0.5))


def test_halves_are_rounded_up():
    assert [Lenet5(filters=d, ratio=0.5).second_filters for d in (1, 2, 3, 4, 5)] == [1, 1, 2, 2, 3]


def test_with_filters_keeps_given_settings_and_derives_the_others_anew():
    assert Lenet5(filters=6).with_filters(12) == Lenet5(filters=12)
    assert Lenet5(filters=6, ratio=2.0, hidden=(9,)).with_filters(12) == Lenet5(
        filters=12, ratio=2.0, hidden=(9,)
    )
    assert Lenet5(filters=6, second_filters=16).with_filters(12) == Lenet5(filters=12, second_filters=16)
    assert Lenet5(filters=6, convolutions=1).with_filters(12) == Lenet5(filters=12, convolutions=1)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"second_filters": 0}, ">= 1"),
        ({"second_filters": 16, "ratio": 2.0}, "not both"),
        ({"convolutions": 1, "second_filters": 16}, "need convolutions: 2"),
        ({"convolutions": 1, "ratio": 2.0}, "need convolutions: 2"),
    ],
)
def test_contradictory_settings_are_refused(settings, problem):
    with pytest.raises(ValidationError, match=problem):
        Lenet5(filters=6, **settings)


@given(side=st.integers(1, 60), convolutions=st.sampled_from([1, 2]), kernel=st.integers(1, 30))
def test_the_message_names_the_largest_kernel_that_fits(side, convolutions, kernel):
    image, spec = ImageShape(1, side, 10), Lenet5(filters=1, convolutions=convolutions, kernel=kernel)

    def left(kernel: int) -> int:
        """Pixels of a side, by going through the layers."""
        pixels = side + 2 * spec.padding(image)
        for _ in range(convolutions):
            pixels = (pixels - kernel + 1) // 2
        return pixels

    problem = spec.problem(image)
    if problem is None:
        assert left(kernel) >= 1
        assert all(layer.units >= 1 for layer in spec.layer_table(image).layers)
    elif problem.field == "kernel":
        largest = int(problem.text.split()[3].rstrip(","))
        pixel = f"a pixel of {side}x{side}"
        assert problem.text == f"expected at most {largest}, so that {pixel} is left, got {kernel}"
        assert left(largest) >= 1 > left(largest + 1)
        assert largest < kernel
    else:
        least = 2**convolutions
        assert problem == Problem("type", f"needs images of at least {least}x{least}")
        assert side < least
