"""Counts of a user's own network against products, and against an architecture of this package."""

from __future__ import annotations

import pytest

from scaling.architectures import Lenet5
from scaling.architectures.own_networks.records import COUNTS, UnknownRecord, find_record
from scaling.config import Run
from scaling.settings import ImageShape
from tests.models.networks import MNIST

IMAGE = ImageShape(2, 8, 3)
LENET5 = """
from torch import nn

def lenet5(*, image, classes, filters, second):
    return nn.Sequential(
        nn.ZeroPad2d(2),
        nn.Conv2d(image[0], filters, 5), nn.MaxPool2d(2), nn.ReLU(),
        nn.Conv2d(filters, second, 5), nn.MaxPool2d(2), nn.ReLU(),
        nn.Flatten(), nn.Linear(second * 25, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(),
        nn.Linear(84, classes),
    )
"""


def test_lenet5_counts_as_lenet5(tmp_path, own):
    (tmp_path / "nets.py").write_text(LENET5)
    table = own("lenet5", 6, tmp_path / "nets.py", second=16).layer_table(MNIST)
    published = Lenet5(filters=6).layer_table(MNIST)
    for name in ("parameters", "macs", "backward_macs", "conv_parameters", "linear_parameters", "depth"):
        assert getattr(table, name) == getattr(published, name), name
    assert table.parameters == 61_706
    assert table.routes is None


def test_a_network_with_functions_in_its_forward_pass(own):
    """Filters 3, kernel 3 on 2 x 8 x 8 images; pooled to 3 x 3; and a batch norm."""
    table = own("ConvNet", 3, norm=True, hidden=[5]).layer_table(IMAGE)
    assert table.parameters == 3 * (2 * 9 + 1) + 2 * 3 + 5 * (3 * 3 * 3 + 1) + 3 * (5 + 1)
    assert table.macs == 6 * 6 * 3 * 2 * 9 + 5 * 3 * 3 * 3 + 3 * 5
    assert [layer.name for layer in table.layers] == ["conv", "norm", "layers.0", "layers.1"]
    assert table.layers[0].connections == table.layers[0].macs + 3 * 6 * 6


def test_weights_that_are_shared_or_frozen_or_of_the_module_itself(own):
    table = own("Tied", 4).layer_table(IMAGE)
    assert table.parameters == 4 * (4 + 1) + 4 + 4 * 3
    assert table.macs == 4 * 2 * 64 + 2 * 4 * 4 + 4 * 3
    assert [layer.name for layer in table.layers] == ["frozen", "first", "second", "self"]


def test_the_nearest_width_of_a_cost(own):
    spec = own("ConvNet", 1)
    wanted = spec.model_copy(update={"parameters": 300})
    assert wanted.cost_problem(IMAGE, {"parameters"}) is None
    found = wanted.resolve_cost(IMAGE, {"parameters"})
    distances = {
        filters: abs(spec.with_filters(filters).layer_table(IMAGE).parameters - 300)
        for filters in range(1, 12)
    }
    assert distances[found.filters] == min(distances.values())
    assert found.source is spec.source


def test_a_network_from_a_store_has_the_counts_of_the_cache_and_no_code(own):
    spec = own("ConvNet")
    run = Run.model_validate(
        {
            "data": {"type": "x", "fingerprint": "0" * 64},
            "architecture": spec,
            "recipe": {},
            "seed": 0,
            "order": 0,
        }
    )
    stored = Run.from_json(run.config_json).architecture
    assert stored == spec
    assert stored.source is None
    assert stored.known_layer_table(IMAGE) is None
    with pytest.raises(UnknownRecord, match="ConvNet: the code of this network is not here"):
        stored.layer_table(IMAGE)
    table = spec.layer_table(IMAGE)
    assert stored.known_layer_table(IMAGE) == table
    assert find_record(COUNTS, stored, ImageShape(2, 9, 3)) is None
