"""Net-1 to Net-5: the published counts as products of sizes, and their links by brute force."""

from __future__ import annotations

import pytest

from scaling.architectures import Net1, Net2, Net3, Net4, Net5
from scaling.architectures.history.nets1989 import Net1989
from scaling.settings import ImageShape
from tests.architectures.history.links import Graph
from tests.models.networks import MNIST, USPS

NETS: tuple[type[Net1989], ...] = (Net1, Net2, Net3, Net4, Net5)
H1, H2 = {"kernel": 3, "stride": 2, "padding": 1}, {"kernel": 5, "stride": 2, "padding": 2}


def tables(multiplier: int = 1, image: ImageShape = USPS):
    return [
        net(filters=1 if net is Net1 else multiplier * net.filter_step).layer_table(image) for net in NETS
    ]


def test_parameters_as_published():
    """Units with shared weights have biases of their own."""
    layers = [[layer.parameters for layer in table.layers] for table in tables()]
    assert layers == [
        [10 * (16 * 16 + 1)],
        [12 * (16 * 16 + 1), 10 * (12 + 1)],
        [8 * 8 * (3 * 3 + 1), 4 * 4 * (5 * 5 + 1), 10 * (4 * 4 + 1)],
        [2 * (3 * 3 + 8 * 8), 4 * 4 * (2 * 5 * 5 + 1), 10 * (4 * 4 + 1)],
        [2 * (3 * 3 + 8 * 8), 4 * (2 * 5 * 5 + 4 * 4), 10 * (4 * 4 * 4 + 1)],
    ]
    assert [table.parameters for table in tables()] == [2570, 3214, 1226, 1132, 1060]


def test_links_as_published():
    """Links to the background around a map count too."""
    layers = [[layer.connections for layer in table.layers] for table in tables()]
    assert layers == [
        [10 * (16 * 16 + 1)],
        [12 * (16 * 16 + 1), 10 * (12 + 1)],
        [8 * 8 * (3 * 3 + 1), 4 * 4 * (5 * 5 + 1), 10 * (4 * 4 + 1)],
        [2 * 8 * 8 * (3 * 3 + 1), 4 * 4 * (2 * 5 * 5 + 1), 10 * (4 * 4 + 1)],
        [2 * 8 * 8 * (3 * 3 + 1), 4 * 4 * 4 * (2 * 5 * 5 + 1), 10 * (4 * 4 * 4 + 1)],
    ]
    assert [table.connections for table in tables()] == [2570, 3214, 1226, 2266, 5194]


def test_units():
    assert [[layer.units for layer in table.layers] for table in tables()] == [
        [10],
        [12, 10],
        [8 * 8, 4 * 4, 10],
        [2 * 8 * 8, 4 * 4, 10],
        [2 * 8 * 8, 4 * 4 * 4, 10],
    ]


@pytest.mark.parametrize("m", [2, 3])
def test_a_wider_network_has_multiples_of_all_units_or_maps(m):
    assert [[layer.parameters for layer in table.layers] for table in tables(m)] == [
        [2570],
        [12 * m * 257, 10 * (12 * m + 1)],
        [64 * m * 10, 16 * m * (25 * m + 1), 10 * (16 * m + 1)],
        [2 * m * (9 + 64), 16 * m * (50 * m + 1), 10 * (16 * m + 1)],
        [2 * m * (9 + 64), 4 * m * (50 * m + 16), 10 * (64 * m + 1)],
    ]


def test_connections_and_routes_equal_those_of_the_graphs():
    graphs = [Graph(USPS) for _ in NETS]
    _, net2, net3, net4, net5 = graphs
    net2.connect(12)
    net3.convolve([(0,)], **H1)
    net3.convolve([(0,)], **H2)
    net4.convolve([(0,)] * 2, **H1)
    net4.convolve([(0, 1)], **H2)
    net5.convolve([(0,)] * 2, **H1)
    net5.convolve([(0, 1)] * 4, **H2)
    for graph in graphs:
        graph.connect(10)
    assert [graph.connections for graph in graphs] == [table.connections for table in tables()]
    routes = [table.routes for table in tables()]
    assert [graph.routes() for graph in graphs] == routes == [1, 1, 3 * 3, 3 * 3, 3 * 3 * 4]


def test_net1_has_one_size():
    assert Net1(filters=1).problem(USPS) is None
    assert Net1(filters=2).problem(USPS).text == "expected 1, because Net-1 has no hidden layer, got 2"
    problem = Net1(filters=1, parameters=5000).cost_problem(USPS, {"type", "parameters"})
    assert (problem.field, problem.text) == (
        "parameters",
        "give filters: 1 instead; Net-1 has no hidden layer and thus only one size",
    )


@pytest.mark.parametrize("net", NETS)
def test_other_image_sizes_are_refused(net: type[Net1989]):
    assert net(filters=net.filter_step).problem(MNIST).text == "needs images of 16x16 pixels, not 28x28"
