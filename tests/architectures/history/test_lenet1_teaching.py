"""The LeNet-1 of lectures: its counts as products of sizes, and its links by brute force."""

from __future__ import annotations

import pytest

from scaling.architectures import Lenet1Teaching
from tests.architectures.history.links import Graph
from tests.models.networks import MNIST

TABLE = Lenet1Teaching(filters=4).layer_table(MNIST)
CONV1, POOL1, CONV2, POOL2, READOUT = TABLE.layers


def test_units_as_taught():
    assert [layer.units for layer in TABLE.layers] == [4 * 24**2, 4 * 12**2, 12 * 8**2, 12 * 4**2, 10]
    assert [layer.units for layer in TABLE.layers] == [2304, 576, 768, 192, 10]


def test_parameters_are_those_of_three_filters_for_each_pooled_map():
    assert CONV1.parameters == 4 * (5 * 5 + 1) == 104
    assert CONV2.parameters == 4 * 3 * (5 * 5 + 1) == 312
    assert READOUT.parameters == 10 * (12 * 4 * 4 + 1) == 1930
    assert POOL1.parameters == POOL2.parameters == 0
    assert TABLE.parameters == 104 + 312 + 1930 == 2346


def test_macs():
    assert TABLE.macs == 4 * 24**2 * 25 + 12 * 8**2 * 25 + 10 * 192 == 78_720


@pytest.mark.parametrize("multiplier", [2, 3])
def test_a_wider_network_has_three_filters_for_each_pooled_map_too(multiplier):
    table = Lenet1Teaching(filters=4 * multiplier).layer_table(MNIST)
    conv1, _, conv2, _, readout = (layer.parameters for layer in table.layers)
    assert (conv1, conv2) == (multiplier * 104, multiplier * 312)
    assert readout == 10 * (multiplier * 192 + 1)


def test_connections_and_routes_equal_those_of_the_graph():
    graph = Graph(MNIST)
    graph.convolve([(0,)] * 4, kernel=5)
    graph.subsample(bias=False)
    graph.convolve([(i // 3,) for i in range(12)], kernel=5)
    graph.subsample(bias=False)
    graph.connect(10)
    assert graph.connections == TABLE.connections
    assert graph.routes() == TABLE.routes == 5 * 5 * 3


def test_filters_between_multiples_are_refused():
    assert Lenet1Teaching(filters=5).problem(MNIST).text == (
        "expected a multiple of 4, the number of the published network, got 5"
    )
