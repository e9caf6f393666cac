"""LeNet-1: the published counts as products of sizes, and links and routes counted by brute force."""

from __future__ import annotations

import pytest

from scaling.architectures import Lenet1
from scaling.settings import ImageShape
from tests.architectures.history.links import Graph

MNIST = ImageShape(1, 28, 10)
TABLE = Lenet1(filters=4).layer_table(MNIST)


def test_parameters_as_published():
    h1, h2, h3, h4, readout = (layer.parameters for layer in TABLE.layers)
    assert h1 == 4 * (5 * 5 + 1) == 104
    assert h2 == 4 * 2 == 8
    assert h3 == 20 * 5 * 5 + 12 == 512
    assert h4 == 12 * 2 == 24
    assert readout == 10 * (12 * 4 * 4 + 1) == 1930
    assert TABLE.parameters == 104 + 8 + 512 + 24 + 1930 == 2578


def test_connections_as_published():
    h1, h2, h3, h4, readout = (layer.connections for layer in TABLE.layers)
    assert h1 == 4 * 24 * 24 * (5 * 5 + 1)
    assert h2 == 4 * 12 * 12 * (2 * 2 + 1)
    assert h3 == 8 * 8 * (20 * 5 * 5 + 12)
    assert h4 == 12 * 4 * 4 * (2 * 2 + 1)
    assert readout == 10 * (12 * 4 * 4 + 1)
    assert TABLE.connections == 98_442


def test_macs_are_the_products_of_the_weights():
    """Subsampling multiplies a sum by one coefficient, which counts as no MAC."""
    h1, h2, h3, h4, readout = (layer.macs for layer in TABLE.layers)
    assert h1 == 4 * 24 * 24 * 5 * 5 == 57_600
    assert h3 == 8 * 8 * 20 * 5 * 5 == 32_000
    assert readout == 10 * 12 * 4 * 4 == 1920
    assert h2 == h4 == 0
    assert TABLE.macs == 57_600 + 32_000 + 1920 == 91_520


def test_units_as_published():
    """The paper counts the unit that outputs 1 for the biases too."""
    assert [layer.units for layer in TABLE.layers] == [4 * 24**2, 4 * 12**2, 12 * 8**2, 12 * 4**2, 10]
    assert TABLE.units == 28 * 28 + 2304 + 576 + 768 + 192 + 10
    assert TABLE.units + 1 == 4635


def test_the_connection_table_has_twenty_kernels_in_two_halves():
    reads = Lenet1.H3_READS
    assert sum(map(len, reads)) == 20
    readers = [
        {target + 1 for target, sources in enumerate(reads) if source in sources} for source in range(4)
    ]
    assert readers == [{1, 2, 3, 5, 6}, {2, 3, 4, 5, 6}, {7, 8, 9, 11, 12}, {8, 9, 10, 11, 12}]


@pytest.mark.parametrize("multiplier", [2, 3])
def test_a_wider_network_has_multiples_of_all_maps_and_kernels(multiplier):
    spec = Lenet1(filters=4 * multiplier)
    h1, h2, h3, h4, readout = (layer.parameters for layer in spec.layer_table(MNIST).layers)
    assert (h1, h2, h4) == (multiplier * 104, multiplier * 8, multiplier * 24)
    assert h3 == 20 * multiplier**2 * 25 + 12 * multiplier
    assert readout == 10 * (12 * multiplier * 16 + 1)


def test_connections_and_routes_equal_those_of_the_graph():
    graph = Graph(MNIST)
    graph.convolve([(0,)] * 4, kernel=5)
    graph.subsample()
    graph.convolve(Lenet1.H3_READS, kernel=5)
    graph.subsample()
    graph.connect(10)
    assert graph.connections == TABLE.connections
    assert graph.routes() == TABLE.routes


def test_filters_between_multiples_are_refused():
    problem = Lenet1(filters=6).problem(MNIST)
    assert problem.text == "expected a multiple of 4, the number of the published network, got 6"


def test_other_image_sizes_are_refused():
    assert Lenet1(filters=4).problem(ImageShape(1, 16, 10)).text == (
        "needs images of 28x28 pixels, not 16x16"
    )
