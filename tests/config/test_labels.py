"""Labels of networks."""

from __future__ import annotations

from scaling.config.labels import network_label


def test_a_label_has_the_width_if_the_architecture_has_several():
    assert network_label("lenet5, 8 epochs", 6, architecture="lenet5") == "lenet5, 8 epochs, filters 6"
    assert network_label("knn", 1, architecture="knn") == "knn"
    assert network_label("net1_1989", 1, architecture="net1_1989") == "net1_1989"
    assert network_label("of a later version", 3, architecture="unknown") == "of a later version, filters 3"
