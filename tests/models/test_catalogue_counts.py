"""The counts that the catalogue shows, against torch's own layers."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from scaling import api
from scaling.architectures import CatalogueEntry
from tests.models.plain_networks import KINDS

ENTRIES = [entry for entry in api.list_models() if entry.network.type in KINDS]
"""Entries of the catalogue, without the historic networks, which have tests of their own."""


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: f"{entry.name}, {entry.dataset}")
def test_parameters_and_macs_equal_those_of_plain_layers(entry: CatalogueEntry):
    """On a device that has shapes and no numbers; torch counts a multiplication and an addition."""
    image = entry.layer_table.image
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        network = KINDS[entry.network.type](entry.network, image)
        logits = network.eval()(torch.zeros(1, image.channels, image.side, image.side))
    assert sum(parameter.numel() for parameter in network.parameters()) == entry.layer_table.parameters
    assert counter.get_total_flops() == 2 * entry.layer_table.macs
    assert logits.shape == (1, image.classes)
