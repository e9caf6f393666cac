"""LeNet-5 of 1998: every published count as a product of sizes, and links counted by brute force."""

from __future__ import annotations

from itertools import combinations

import pytest

from scaling.architectures import Lenet5Of1998
from scaling.architectures.history.digit_codes import DIGIT_CODES
from scaling.settings import ImageShape
from tests.architectures.history.links import Graph

MNIST = ImageShape(1, 28, 10)
TABLE = Lenet5Of1998(filters=6).layer_table(MNIST)


def test_parameters_as_published():
    c1, s2, c3, s4, c5, f6, output = (layer.parameters for layer in TABLE.layers)
    assert c1 == 6 * (5 * 5 + 1) == 156
    assert s2 == 6 * 2 == 12
    assert c3 == (6 * 3 + 9 * 4 + 6) * 5 * 5 + 16 == 1516
    assert s4 == 16 * 2 == 32
    assert c5 == 120 * (16 * 5 * 5 + 1) == 48_120
    assert f6 == 84 * (120 + 1) == 10_164
    assert output == 0
    assert TABLE.parameters == 156 + 12 + 1516 + 32 + 48_120 + 10_164 == 60_000


def test_connections_as_published():
    c1, s2, c3, s4, c5, f6, output = (layer.connections for layer in TABLE.layers)
    assert c1 == 6 * 28 * 28 * (5 * 5 + 1) == 122_304
    assert s2 == 6 * 14 * 14 * (2 * 2 + 1) == 5880
    assert c3 == 10 * 10 * (60 * 5 * 5 + 16) == 151_600
    assert s4 == 16 * 5 * 5 * (2 * 2 + 1) == 2000
    assert c5 == 120 * (16 * 5 * 5 + 1) == 48_120
    assert f6 == 84 * (120 + 1) == 10_164
    assert output == 10 * 84
    assert TABLE.connections == 340_908


def test_macs_are_the_products_of_the_weights():
    """Subsampling multiplies a sum by one coefficient, which is no MAC; a distance to a code is one."""
    c1, s2, c3, s4, c5, f6, output = (layer.macs for layer in TABLE.layers)
    assert c1 == 6 * 28 * 28 * 5 * 5 == 117_600
    assert c3 == 10 * 10 * 60 * 5 * 5 == 150_000
    assert c5 == 120 * 16 * 5 * 5 == 48_000
    assert f6 == 84 * 120 == 10_080
    assert output == 10 * 84 == 840
    assert s2 == s4 == 0
    assert TABLE.macs == 117_600 + 150_000 + 48_000 + 10_080 + 840 == 326_520


def test_the_connection_table_is_that_of_the_paper():
    columns = " ".join("".join(map(str, sources)) for sources in Lenet5Of1998.C3_READS)
    assert columns == "012 123 234 345 045 015 0123 1234 2345 0345 0145 0125 0134 1245 0235 012345"


@pytest.mark.parametrize("m", [2, 3])
def test_a_wider_network_has_multiples_of_all_maps_and_kernels_and_the_same_codes(m):
    layers = Lenet5Of1998(filters=6 * m).layer_table(MNIST).layers
    assert [layer.shape[0] for layer in layers] == [6 * m, 6 * m, 16 * m, 16 * m, 120 * m, 84, 10]
    c1, s2, c3, s4, c5, f6, output = (layer.parameters for layer in layers)
    assert (c1, s2, s4) == (156 * m, 12 * m, 32 * m)
    assert c3 == 60 * m**2 * 25 + 16 * m
    assert c5 == 120 * m * (16 * m * 25 + 1)
    assert f6 == 84 * (120 * m + 1)
    assert output == 0


def test_connections_and_routes_equal_those_of_the_graph():
    graph = Graph(MNIST)
    graph.convolve([(0,)] * 6, kernel=5, padding=2)
    graph.subsample()
    graph.convolve(Lenet5Of1998.C3_READS, kernel=5)
    graph.subsample()
    graph.connect(120)
    graph.connect(84)
    graph.connect(10, biases=False)
    assert graph.connections == TABLE.connections
    assert graph.routes() == TABLE.routes


def test_codes_are_ten_different_drawings_of_84_pixels():
    assert [len(code) for code in DIGIT_CODES] == [7 * 12] * 10
    assert {pixel for code in DIGIT_CODES for pixel in code} == {-1, 1}
    differences = [sum(a != b for a, b in zip(*pair, strict=True)) for pair in combinations(DIGIT_CODES, 2)]
    assert min(differences) == 14


def test_other_numbers_of_classes_are_refused():
    problem = Lenet5Of1998(filters=6).problem(ImageShape(1, 28, 47))
    assert problem.text == "has output codes for 10 classes, not 47; use lenet5 or lenet4 instead"


def test_filters_between_multiples_are_refused():
    problem = Lenet5Of1998(filters=16).problem(MNIST)
    assert problem.text == "expected a multiple of 6, the number of the published network, got 16"
