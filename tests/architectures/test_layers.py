"""Properties of every layer table."""

from __future__ import annotations

from math import prod

from hypothesis import given
from hypothesis import strategies as st

from scaling.architectures import AnyArchitecture, Lenet5, Tree3, Vgg
from scaling.architectures.layers import LayerKind
from scaling.settings import ImageShape

IMAGES = st.builds(ImageShape, st.integers(1, 4), st.sampled_from([16, 28, 32]), st.integers(2, 20))
LENETS = st.builds(
    Lenet5,
    filters=st.integers(1, 40),
    kernel=st.integers(1, 5),
    hidden=st.lists(st.integers(1, 99), max_size=3).map(tuple),
) | st.builds(Lenet5, filters=st.integers(1, 40), convolutions=st.just(1))
TREES = st.builds(
    Tree3,
    filters=st.integers(1, 40),
    branches=st.integers(1, 40),
    rows=st.sampled_from([1, 2]),
    biases=st.booleans(),
)
VGGS = st.builds(
    Vgg,
    filters=st.integers(1, 20),
    depth=st.sampled_from([6, 8, 11, 13, 16]),
    pooling=st.sampled_from(["blocks", "output"]),
)
LARGE = IMAGES.filter(lambda image: image.side >= 28)
on_images = given(pair=st.tuples(LENETS | TREES, IMAGES) | st.tuples(VGGS, LARGE))
"""A network, and an image shape that it accepts."""


@on_images
def test_totals_are_sums_over_the_layers(pair: tuple[AnyArchitecture, ImageShape]):
    spec, image = pair
    table = spec.layer_table(image)
    for name in ("parameters", "connections", "macs"):
        assert getattr(table, name) == sum(getattr(layer, name) for layer in table.layers)
    assert table.units == image.channels * image.side**2 + sum(prod(layer.shape) for layer in table.layers)
    assert table.depth == sum(
        layer.parameters > 0 for layer in table.layers if not layer.name.startswith("norm")
    )


@on_images
def test_each_parameter_is_used_and_the_last_layer_outputs_the_classes(
    pair: tuple[AnyArchitecture, ImageShape],
):
    spec, image = pair
    table = spec.layer_table(image)
    assert table.layers[-1].shape == (image.classes,)
    for layer in table.layers:
        assert layer.connections >= max(layer.parameters, layer.macs)
        assert layer.connections % layer.units == 0


@on_images
def test_a_wider_network_has_more_of_everything(pair: tuple[AnyArchitecture, ImageShape]):
    spec, image = pair
    narrow, wide = spec.layer_table(image), spec.with_filters(spec.filters + 1).layer_table(image)
    assert all(
        getattr(wide, name) > getattr(narrow, name) for name in ("parameters", "connections", "macs", "units")
    )
    assert spec.with_filters(spec.filters) == spec


def test_parameters_by_kind_are_the_published_products():
    """LeNet-5 on CIFAR-10; a tree's layer between its convolution and its readout is of another kind."""
    lenet = Lenet5(filters=6, second_filters=16).layer_table(ImageShape(3, 32, 10))
    assert lenet.conv_parameters == 6 * (3 * 25 + 1) + 16 * (6 * 25 + 1)
    assert lenet.linear_parameters == 120 * (16 * 25 + 1) + 84 * 121 + 10 * 85
    assert lenet.conv_parameters + lenet.linear_parameters == lenet.parameters == 62_006
    tree = Tree3(filters=6).layer_table(ImageShape(3, 32, 10))
    assert 0 < tree.conv_parameters + tree.linear_parameters < tree.parameters


@on_images
def test_parameters_by_kind_are_those_of_a_plain_loop(pair: tuple[AnyArchitecture, ImageShape]):
    spec, image = pair
    table, by_kind = spec.layer_table(image), dict.fromkeys(LayerKind, 0)
    for layer in table.layers:
        by_kind[layer.kind] += layer.parameters
    assert table.conv_parameters == by_kind[LayerKind.CONVOLUTION]
    assert table.linear_parameters == by_kind[LayerKind.LINEAR]
