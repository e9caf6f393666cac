"""Packed replicas of a user's own module equal plain copies of it, in float64 to 1e-10."""

from __future__ import annotations

from copy import deepcopy

import pytest
import torch
import torch.nn.functional as F

from scaling.config.recipe import Adam, Sgd
from scaling.models import build, load_weights, named_weights
from scaling.models.own_networks.load import make_network, seeded
from scaling.settings import ImageShape
from scaling.train.module import losses
from scaling.train.optimisers import PackOptimiser

IMAGE, SEEDS, RATES = ImageShape(2, 8, 3), [4, 0, 9], [0.1, 0.003, 0.3]
B, STEPS, BOUND = 6, 5, 1e-10
NETWORKS = [
    ("ConvNet", {}, True),
    ("ConvNet", {"norm": True, "hidden": [5, 4]}, True),
    ("ConvNet", {"dropout": 0.3}, False),
    ("ConvNet", {"dropout": 0.3, "norm": True}, False),
    ("Gated", {}, False),
    ("Tied", {}, True),
    ("make_mlp", {}, True),
]
every_network = pytest.mark.parametrize(("factory", "settings", "is_fused"), NETWORKS)


def batches():
    generator = torch.Generator().manual_seed(1)
    for _ in range(STEPS):
        pixels = torch.randn(B, IMAGE.channels, IMAGE.side, IMAGE.side, generator=generator)
        yield pixels.double(), torch.randint(IMAGE.classes, (B,), generator=generator)


@every_network
# A bias before batch norm has gradient 0. From its rounding error, Adam steps by rate x error / epsilon.
@pytest.mark.parametrize("rule", [Sgd(), Adam(epsilon=1e-5)], ids=["sgd", "adam"])
def test_five_steps_at_unequal_learning_rates(own, factory, settings, is_fused, rule):
    spec = own(factory, **settings)
    rates = RATES if isinstance(rule, Sgd) else [rate / 30 for rate in RATES]
    packed = build(spec, IMAGE, SEEDS).double()
    assert packed.is_fused is is_fused
    optimiser = PackOptimiser(packed.parameters(), rule, learning_rates=rates, weight_decays=[0.0] * 3)
    for index, (pixels, labels) in enumerate(batches()):
        optimiser.zero_grad()
        losses(packed(pixels), labels, "cross_entropy").sum().backward()
        optimiser.load_schedule([1.0], completed_steps=index)
        optimiser.select(torch.zeros(1, dtype=torch.int64))
        optimiser.step()
    together = named_weights(packed)
    for r, (seed, rate) in enumerate(zip(SEEDS, rates, strict=True)):
        network = make_network(spec, IMAGE, seed).double()
        initial = deepcopy(network.state_dict())
        trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
        alone = (
            torch.optim.SGD(trained, rate, momentum=0.9, nesterov=True)
            if isinstance(rule, Sgd)
            else torch.optim.Adam(trained, rate, eps=1e-5)
        )
        for step, (pixels, labels) in enumerate(batches()):
            with seeded(f"seed {seed} step {step}"):
                logits = network(pixels)
            alone.zero_grad()
            F.cross_entropy(logits, labels).backward()
            alone.step()
        state = network.state_dict()
        assert any((value != initial[name]).any() for name, value in state.items())
        for name, value in state.items():
            if name in together:  # state_dict names a shared weight twice
                torch.testing.assert_close(together[name][r], value, rtol=BOUND, atol=BOUND)


@every_network
def test_a_replica_depends_on_its_own_seed_alone(own, factory, settings, is_fused):
    spec = own(factory, **settings)
    pixels, _ = next(batches())
    alone, together = build(spec, IMAGE, [7]).double(), build(spec, IMAGE, [3, 7]).double()
    torch.testing.assert_close(together(pixels)[1], alone(pixels)[0], rtol=BOUND, atol=BOUND)
    for name, value in named_weights(alone).items():
        torch.testing.assert_close(named_weights(together)[name][1], value[0], rtol=BOUND, atol=BOUND)


def test_dropout_continues_with_the_step_that_the_weights_name(own):
    """The bits of a resumed training: random numbers follow from the seed and the number of the step."""
    spec = own("ConvNet", dropout=0.5)
    pixels, _ = next(batches())
    pixels = pixels.float()
    networks, resumed = (build(spec, IMAGE, [0, 1]) for _ in range(2))
    first = networks(pixels)
    with torch.no_grad():
        load_weights(resumed, named_weights(networks))
    torch.rand(3)  # other users of torch's generator change nothing
    second = networks(pixels)
    assert torch.equal(resumed(pixels), second)
    assert not torch.equal(first, second)


def test_training_leaves_the_generators_of_the_process_alone(own):
    networks = build(own("ConvNet", dropout=0.5), IMAGE, [0])
    before = torch.get_rng_state()
    networks(next(batches())[0].float())
    assert torch.equal(torch.get_rng_state(), before)


def test_parameters_have_the_names_of_the_module_and_the_replica_axis(own):
    spec = own("ConvNet", norm=True)
    state = make_network(spec, IMAGE, 0).state_dict()
    packed = named_weights(build(spec, IMAGE, SEEDS))
    assert {name: value.shape[1:] for name, value in packed.items()} == {
        name: value.shape for name, value in state.items()
    }
    assert all(len(value) == len(SEEDS) for value in packed.values())


def test_images_arrive_in_the_order_in_memory_that_view_expects(tmp_path, own):
    (tmp_path / "nets.py").write_text(
        "from torch import nn\n"
        "class Viewing(nn.Module):\n"
        "    def __init__(self, *, image, classes, filters):\n"
        "        super().__init__()\n"
        "        self.layer = nn.Linear(image[0] * image[1] ** 2, classes)\n"
        "    def forward(self, x):\n"
        "        return self.layer(x.view(len(x), -1))\n"
    )
    networks = build(own("Viewing", file=tmp_path / "nets.py"), IMAGE, [0, 1])
    pixels = torch.randn(4, IMAGE.channels, IMAGE.side, IMAGE.side)
    last = pixels.contiguous(memory_format=torch.channels_last)
    assert torch.equal(networks(last), networks(pixels))
