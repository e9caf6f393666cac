"""Published counts of networks equal the computed counts."""

from __future__ import annotations

import re

from scaling import api
from scaling.architectures import Lenet5, OwnNetwork, Vgg, registered
from scaling.architectures.history.base import PublishedArchitecture

ONE_ROUTE = ("tree3", "hybrid1988", "net1_1989", "net2_1989", "linear_classifier", "knn", "svm")
"""Types of networks with one route from a use of a first-layer weight to an output."""


def test_published_counts_equal_computed_counts():
    for entry in api.list_models():
        if isinstance(entry.network, PublishedArchitecture):
            continue
        units = [layer.units for layer in entry.layer_table.layers]
        if not entry.published:
            assert entry.source == "set here"
        elif "features" in entry.published:
            assert entry.layer_table.layers[-1].name == "readout"
            features = f"features {entry.layer_table.parameters - entry.layer_table.layers[-1].parameters:,}"
            assert entry.published in (features, f"{entry.layer_table.parameters:,} parameters, {features}")
        elif entry.published.endswith(" parameters"):
            assert entry.published == f"{entry.layer_table.parameters:,} parameters"
        elif entry.published.endswith(" stored images"):
            assert entry.published == f"{units[0]:,} stored images"
        elif entry.published.endswith(" tree outputs"):
            branches, *others = entry.layer_table.layers[2].shape
            assert entry.name.endswith(f" {branches} branches")
            assert entry.published == " x ".join(["M", *(str(n) for n in others if n > 1)]) + " tree outputs"
        else:
            assert entry.published == "layers " + "-".join(map(str, units[-4:]))


def test_published_counts_of_historic_networks_equal_computed_counts():
    """Round numbers are not compared; a publication may count the unit that outputs 1 for the biases."""
    for entry in api.list_models():
        if not isinstance(entry.network, PublishedArchitecture):
            continue
        table = entry.layer_table
        computed = {
            "parameters": table.parameters,
            "connections": table.connections,
            "units": table.units + ("one for the biases" in entry.published),
        }
        exact = re.sub("about [0-9,]+", "", entry.published)
        published = re.findall("([0-9,]+) (?:trainable )?(parameters|connections|units)", exact)
        assert published == [(f"{computed[name]:,}", name) for _, name in published]
        layers = "layers " + "-".join(str(layer.units) for layer in table.layers)
        assert published or exact != entry.published or exact == layers


def test_every_architecture_is_listed():
    assert {entry.network.type for entry in api.list_models()} == {
        spec.model_fields["type"].default for spec in registered() if not issubclass(spec, OwnNetwork)
    }


def test_counts_of_layers_add_up_to_the_network():
    for entry in api.list_models():
        row = entry.to_dict()
        for count in ("parameters", "connections", "macs"):
            assert row[count] == sum(layer[count] for layer in row["layers"])
        assert row["depth"] == sum(layer["macs"] > 0 for layer in row["layers"])
        assert row["backward_macs"] == 2 * row["macs"] - row["layers"][0]["macs"]
        assert (row["routes"] == 1) == (entry.network.type in ONE_ROUTE)


def test_the_catalogue_has_shallow_and_deep_networks():
    """VGG has five depths with both poolings; LeNet has 1 or 2 convolutions and 1 to 3 hidden layers."""
    networks = [entry.network for entry in api.list_models()]
    vggs = {(network.depth, network.pooling) for network in networks if isinstance(network, Vgg)}
    assert vggs == {(depth, pooling) for depth in (6, 8, 11, 13, 16) for pooling in ("blocks", "output")}
    lenets = {
        (network.convolutions, len(network.hidden)) for network in networks if isinstance(network, Lenet5)
    }
    assert lenets == {(convolutions, hidden) for convolutions in (1, 2) for hidden in (1, 2, 3)}
