"""The classifier of the hybrid: its counts as products of sizes, and its links by brute force."""

from __future__ import annotations

import pytest

from scaling.architectures import Hybrid1988
from scaling.settings import ImageShape
from tests.architectures.history.links import Graph
from tests.models.networks import USPS

FEATURES = ImageShape(18 * 3 * 5, 1, 10)


def test_counts_are_products_of_sizes():
    """18 maps of 3x5 blocks, 40 hidden units and 10 outputs; each unit has a bias."""
    table = Hybrid1988(filters=40).layer_table(FEATURES)
    links = [40 * (18 * 3 * 5 + 1), 10 * (40 + 1)]
    assert [layer.parameters for layer in table.layers] == links
    assert [layer.connections for layer in table.layers] == links
    assert [layer.macs for layer in table.layers] == [40 * 18 * 3 * 5, 10 * 40]
    assert [layer.units for layer in table.layers] == [40, 10]
    assert table.units == 18 * 3 * 5 + 40 + 10


def test_pixels_are_accepted_as_inputs_too():
    """The paper compares with 256 pixels as inputs of the same classifier."""
    network = Hybrid1988(filters=40)
    assert network.problem(USPS) is None
    assert network.layer_table(USPS).parameters == 40 * (16 * 16 + 1) + 10 * (40 + 1)


@pytest.mark.parametrize("m", [1, 3])
def test_a_wider_network_has_a_multiple_of_the_hidden_units(m):
    table = Hybrid1988(filters=40 * m).layer_table(FEATURES)
    assert table.parameters == 40 * m * (270 + 1) + 10 * (40 * m + 1)
    problem = Hybrid1988(filters=40 * m + 1).problem(FEATURES)
    assert problem is not None
    assert problem.field == "filters"


def test_connections_and_routes_equal_those_of_the_graph():
    table, graph = Hybrid1988(filters=40).layer_table(FEATURES), Graph(FEATURES)
    graph.connect(40)
    graph.connect(10)
    assert (graph.connections, graph.routes()) == (table.connections, table.routes)
