"""Counts of a specification against its module."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from scaling.architectures import Lenet5, Tree3
from scaling.models import build
from scaling.models.operations import reference_operations
from tests.models.networks import CIFAR10, MNIST, NETWORKS, VGGS, images

WIDER = {
    "widened lenet5": (Lenet5(filters=24), CIFAR10),
    "wide tree3": (Tree3(filters=15, branches=80), CIFAR10),
    "wide tree3 on mnist": (Tree3(filters=15, branches=80, rows=4, biases=True), MNIST),
}
B = 3
every_network = pytest.mark.parametrize(
    ("spec", "image"), (NETWORKS | VGGS | WIDER).values(), ids=(NETWORKS | VGGS | WIDER).keys()
)


@every_network
@pytest.mark.parametrize("R", [1, 3])
def test_every_replica_has_the_parameters_of_the_layer_table(spec, image, R):
    module = build(spec, image, range(R))
    assert all(len(parameter) == R for parameter in module.parameters())
    assert (
        sum(parameter.numel() for parameter in module.parameters()) == R * spec.layer_table(image).parameters
    )


@every_network
@pytest.mark.parametrize("R", [1, 3])
def test_a_forward_pass_computes_the_macs_of_the_layer_table(spec, image, R):
    """torch counts a multiplication and an addition; work that fusing adds would show here."""
    module = build(spec, image, range(R))
    with FlopCounterMode(display=False) as counter, torch.inference_mode(), reference_operations():
        logits = module(images(image, B, torch.float32)[0])
    assert counter.get_total_flops() == 2 * spec.layer_table(image).macs * R * B
    assert logits.shape == (R, B, image.classes)


@every_network
def test_a_training_step_computes_the_flops_of_the_layer_table(spec, image):
    """For one replica: torch counts the weight gradient of a grouped convolution once per group."""
    if isinstance(spec, Tree3):
        image = replace(image, channels=1)
    module = build(spec, image, [0])
    with FlopCounterMode(display=False) as counter, reference_operations():
        module(images(image, B, torch.float32)[0]).sum().backward()
    table = spec.layer_table(image)
    assert counter.get_total_flops() == table.training_flops * B
    assert (
        table.training_flops
        == 2 * (table.macs + table.backward_macs)
        == 6 * table.macs - 2 * table.layers[0].macs
    )
