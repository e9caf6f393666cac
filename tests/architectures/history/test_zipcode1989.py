"""The zip-code network of 1989: the published counts as products of sizes, and its links by brute force."""

from __future__ import annotations

import pytest

from scaling.architectures import Zipcode1989
from tests.architectures.history.links import Graph
from tests.models.networks import MNIST, USPS

TABLE = Zipcode1989(filters=12).layer_table(USPS)
H1, H2, H3, READOUT = TABLE.layers


def test_parameters_as_published():
    """Each unit of H1 and H2 has a bias of its own."""
    assert H1.parameters == 12 * (5 * 5 + 8 * 8) == 1068
    assert H2.parameters == 12 * (8 * 5 * 5 + 4 * 4) == 2592
    assert H3.parameters == 30 * (12 * 4 * 4 + 1) == 5790
    assert READOUT.parameters == 10 * (30 + 1) == 310
    assert TABLE.parameters == 1068 + 2592 + 5790 + 310 == 9760


def test_connections_as_published():
    """Links to the background around a map count too."""
    assert H1.connections == 12 * 8 * 8 * (5 * 5 + 1) == 19_968
    assert H2.connections == 12 * 4 * 4 * (8 * 5 * 5 + 1) == 38_592
    assert TABLE.connections == 19_968 + 38_592 + 5790 + 310 == 64_660


def test_units_as_published():
    assert [layer.units for layer in TABLE.layers] == [12 * 8 * 8, 12 * 4 * 4, 30, 10]
    assert TABLE.units == 16 * 16 + 768 + 192 + 30 + 10 == 1256


def test_macs():
    assert TABLE.macs == 768 * 25 + 192 * 8 * 25 + 30 * 192 + 10 * 30 == 63_660


def test_each_map_reads_eight_maps_and_is_read_by_eight():
    reads = Zipcode1989.H2_READS
    assert [len(set(sources)) for sources in reads] == [8] * 12
    assert [sum(source in sources for sources in reads) for source in range(12)] == [8] * 12


@pytest.mark.parametrize("multiplier", [2, 3])
def test_a_wider_network_has_multiples_of_all_maps_kernels_and_units(multiplier):
    table = Zipcode1989(filters=12 * multiplier).layer_table(USPS)
    h1, h2, h3, readout = (layer.parameters for layer in table.layers)
    assert h1 == multiplier * 1068
    assert h2 == 12 * multiplier * (8 * multiplier * 25 + 16)
    assert h3 == 30 * multiplier * (12 * multiplier * 16 + 1)
    assert readout == 10 * (30 * multiplier + 1)


def test_connections_and_routes_equal_those_of_the_graph():
    graph = Graph(USPS)
    graph.convolve([(0,)] * 12, kernel=5, stride=2, padding=2)
    graph.convolve(Zipcode1989.H2_READS, kernel=5, stride=2, padding=2)
    graph.connect(30)
    graph.connect(10)
    assert graph.connections == TABLE.connections
    assert graph.routes() == TABLE.routes == 3 * 3 * 8 * 30


def test_filters_between_multiples_and_other_image_sizes_are_refused():
    assert Zipcode1989(filters=18).problem(USPS).text == (
        "expected a multiple of 12, the number of the published network, got 18"
    )
    assert Zipcode1989(filters=12).problem(MNIST).text == "needs images of 16x16 pixels, not 28x28"
