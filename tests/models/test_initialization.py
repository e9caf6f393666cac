"""Initial weights of a replica depend on its seed only."""

from __future__ import annotations

from math import sqrt

import pytest
import torch

from scaling.architectures import Lenet5, Tree3
from scaling.models import build
from tests.models.networks import CIFAR10, NETWORKS, VGGS

every_network = pytest.mark.parametrize(
    ("spec", "image"), (NETWORKS | VGGS).values(), ids=(NETWORKS | VGGS).keys()
)


@every_network
def test_a_replica_depends_on_its_own_seed_only(spec, image):
    seeds = [5, 0, 2**53 - 1, 5]
    pack = build(spec, image, seeds).weights
    for r, seed in enumerate(seeds):
        for name, weight in build(spec, image, [seed]).weights.items():
            assert torch.equal(pack[name][r], weight[0])


@every_network
def test_different_seeds_draw_different_weights(spec, image):
    for name, weight in build(spec, image, [0, 1]).weights.items():
        assert name.endswith("_bias") or name.startswith("norm") or (weight[0] != weight[1]).any()


def test_initialization_does_not_use_torchs_global_generator():
    drawn = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        before = torch.random.get_rng_state()
        drawn.append(build(*NETWORKS["lenet5"], [3]).weights)
        assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(drawn[0][name], drawn[1][name]) for name in drawn[0])


def test_weights_are_fp32_and_named_after_their_layers():
    weights = build(*NETWORKS["lenet5"], [3]).weights
    layers = ("conv1", "conv2", "hidden1", "hidden2", "readout")
    assert set(weights) == {f"{layer}_{part}" for layer in layers for part in ("weight", "bias")}
    assert set(build(*NETWORKS["tree3"], [3]).weights) == {"conv_weight", "tree_weight", "readout_weight"}
    assert all(weight.dtype == torch.float32 for weight in weights.values())


@pytest.mark.parametrize(
    ("spec", "fan_ins", "gain"),
    [
        (
            Lenet5(filters=12),
            {"conv1": 3 * 25, "conv2": 12 * 25, "hidden1": 32 * 25, "hidden2": 120, "readout": 84},
            1,
        ),
        (Tree3(filters=6, biases=True), {"conv": 25, "tree": 6 * 2 * 14, "readout": 16 * 3 * 7}, 2),
    ],
    ids=["lenet5, LeCun-normal", "tree3, He-normal"],
)
def test_weights_are_normal_with_the_variance_of_their_fan_in(spec, fan_ins, gain):
    weights = build(spec, CIFAR10, range(4)).weights
    for layer, fan_in in fan_ins.items():
        scaled = weights[f"{layer}_weight"].double() * sqrt(fan_in / gain)
        count = scaled.numel()
        # Four sigma of a mean, of a variance and of a fourth moment of standard normal numbers.
        assert abs(scaled.mean()) < 4 / sqrt(count)
        assert abs(scaled.var() - 1) < 4 * sqrt(2 / count)
        assert abs(scaled.pow(4).mean() - 3) < 4 * sqrt(96 / count)
        assert not weights[f"{layer}_bias"].any()
