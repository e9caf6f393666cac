"""LeNet-4: totals within 2 % of the published ones, as products, and links counted by brute force."""

from __future__ import annotations

import pytest

from scaling.architectures import Lenet4
from scaling.settings import ImageShape
from tests.architectures.history.links import Graph

MNIST = ImageShape(1, 28, 10)
TABLE = Lenet4(filters=4).layer_table(MNIST)


def test_parameters_are_those_published():
    c1, s2, c3, s4, c5, readout = (layer.parameters for layer in TABLE.layers)
    assert c1 == 4 * (5 * 5 + 1) == 104
    assert s2 == 8 * 2 == 16
    assert c3 == 60 * 5 * 5 + 16 == 1516
    assert s4 == 16 * 2 == 32
    assert c5 == (80 * 5 + 40 * 4) * 5 * 5 + 120 == 14_120
    assert readout == 10 * (120 + 1) == 1210
    assert TABLE.parameters == 104 + 16 + 1516 + 32 + 14_120 + 1210 == 16_998
    assert TABLE.parameters == pytest.approx(17_000, rel=0.02)


def test_connections_are_those_published():
    c1, s2, c3, s4, c5, readout = (layer.connections for layer in TABLE.layers)
    assert c1 == 4 * 28 * 28 * (5 * 5 + 1)
    assert s2 == 8 * 14 * 14 * (2 * 2 + 1)
    assert c3 == 10 * 10 * (60 * 5 * 5 + 16)
    assert s4 == 16 * 5 * 5 * (2 * 2 + 1)
    assert c5 == 560 * 5 * 5 + 120
    assert readout == 10 * (120 + 1)
    assert TABLE.connections == 258_306
    assert TABLE.connections == pytest.approx(260_000, rel=0.02)


def test_macs_are_the_products_of_the_weights():
    """Subsampling multiplies a sum by one coefficient, which counts as no MAC."""
    c1, s2, c3, s4, c5, readout = (layer.macs for layer in TABLE.layers)
    assert c1 == 4 * 28 * 28 * 5 * 5 == 78_400
    assert c3 == 10 * 10 * 60 * 5 * 5 == 150_000
    assert c5 == 560 * 5 * 5 == 14_000
    assert readout == 10 * 120 == 1200
    assert s2 == s4 == 0
    assert TABLE.macs == 78_400 + 150_000 + 14_000 + 1200 == 243_600


def test_units_are_those_published():
    assert [layer.shape for layer in TABLE.layers] == [
        (4, 28, 28),
        (8, 14, 14),
        (16, 10, 10),
        (16, 5, 5),
        (120,),
        (10,),
    ]


def test_fully_connected_hidden_units_would_exceed_the_published_parameters():
    assert 120 * (16 * 5 * 5 + 1) > 2 * 17_000


def test_hidden_units_read_all_maps_equally_often():
    reads = Lenet4.C5_READS
    assert [len(sources) for sources in reads] == [5, 5, 4] * 40
    readers = [sum(source in sources for sources in reads) for source in range(16)]
    assert readers == [35] * 16
    assert len(set(reads)) == 24


def test_maps_of_the_second_convolution_read_different_maps():
    assert len(set(Lenet4.C3_READS)) == 16
    assert sum(map(len, Lenet4.C3_READS)) == 8 * 3 + 7 * 4 + 8 == 60


@pytest.mark.parametrize("m", [2, 3])
def test_a_wider_network_has_multiples_of_all_maps_units_and_kernels(m):
    layers = Lenet4(filters=4 * m).layer_table(MNIST).layers
    assert [layer.shape[0] for layer in layers] == [4 * m, 8 * m, 16 * m, 16 * m, 120 * m, 10]
    c1, s2, c3, s4, c5, readout = (layer.parameters for layer in layers)
    assert (c1, s2, s4) == (104 * m, 16 * m, 32 * m)
    assert c3 == 60 * m**2 * 25 + 16 * m
    assert c5 == 560 * m**2 * 25 + 120 * m
    assert readout == 10 * (120 * m + 1)


def test_connections_and_routes_equal_those_of_the_graph():
    graph = Graph(MNIST)
    graph.convolve([(0,)] * 4, kernel=5, padding=2)
    graph.convolve([(0,), (0,), (1,), (1,), (2,), (2,), (3,), (3,)], kernel=2, stride=2)
    graph.convolve(Lenet4.C3_READS, kernel=5)
    graph.subsample()
    graph.convolve(Lenet4.C5_READS, kernel=5)
    graph.connect(10)
    assert graph.connections == TABLE.connections
    assert graph.routes() == TABLE.routes


def test_an_image_that_fills_the_plane_has_the_same_layers():
    assert Lenet4(filters=4).layer_table(ImageShape(1, 32, 10)).connections == TABLE.connections
