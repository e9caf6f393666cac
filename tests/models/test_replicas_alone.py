"""R fused replicas are R plain networks: the same logits, and after five steps the same weights, in float64 to 1e-10."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from networks import NETWORKS, VGGS, images
from plain import plain
from torch import Tensor, nn

from scaling.config.recipe import Adam, AdamW, Sgd
from scaling.models import build
from scaling.train.module import losses
from scaling.train.optimisers import PackOptimiser

RATES, DECAYS = [0.1, 0.003, 0.3], [1e-3, 0.0, 1e-2]
R, B, STEPS, BOUND = 3, 6, 5, 1e-10
every_network = pytest.mark.parametrize(("spec", "image"), (NETWORKS | VGGS).values(), ids=(NETWORKS | VGGS).keys())


def packed(spec, image) -> nn.Module:
    """With biases that are not zero, so that each one counts."""
    module = build(spec, image, [4, 0, 9]).double()
    generator = torch.Generator().manual_seed(1)
    for name, weight in module.weights.items():
        if name.endswith("_bias"):
            weight.data = torch.randn(weight.shape, generator=generator, dtype=torch.float64) / 10
    return module


def replica(module: nn.Module, r: int) -> dict[str, Tensor]:
    return {name: weight[r] for name, weight in module.weights.items()}


@every_network
def test_logits_and_gradients(spec, image):
    module = packed(spec, image)
    pixels, labels = images(image, B, torch.float64)
    logits = module(pixels)
    losses(logits, labels, "cross_entropy").sum().backward()
    for r in range(R):
        network = plain(spec, image, replica(module, r))
        alone = network(pixels)
        torch.testing.assert_close(logits[r], alone, rtol=BOUND, atol=BOUND)
        F.cross_entropy(alone, labels).backward()
        for name, gradient in network.parts(lambda parameter: parameter.grad).items():
            torch.testing.assert_close(module.weights[name].grad[r], gradient, rtol=BOUND, atol=BOUND)


@pytest.mark.parametrize(
    ("rule", "loss"),
    [(Sgd(), "cross_entropy"), (Sgd(), "mse"), (Adam(), "mse"), (AdamW(), "cross_entropy")],
    ids=lambda value: str(getattr(value, "type", value)),
)
@pytest.mark.parametrize("name", ["lenet5 in colour", "lenet5, average pooling of tanh", "tree3", "tree3, relu and biases"])
def test_five_steps_at_unequal_learning_rates(name, rule, loss):
    spec, image = NETWORKS[name]
    rates = RATES if isinstance(rule, Sgd) else [rate / 30 for rate in RATES]
    module = packed(spec, image)
    networks = [plain(spec, image, replica(module, r)) for r in range(R)]
    optimiser = PackOptimiser(module.parameters(), rule, rates, DECAYS)
    each = [torchs(rule, network, rate, decay) for network, rate, decay in zip(networks, rates, DECAYS, strict=True)]
    pixels, labels = images(image, B * STEPS, torch.float64)
    for pixel, label in zip(pixels.split(B), labels.split(B), strict=True):
        optimiser.zero_grad()
        losses(module(pixel), label, loss).sum().backward()
        optimiser.step()
        for network, its in zip(networks, each, strict=True):
            its.zero_grad()
            logits = network(pixel)
            (F.cross_entropy(logits, label) if loss == "cross_entropy" else F.mse_loss(logits, F.one_hot(label, 10).double())).backward()
            its.step()
    first = packed(spec, image)
    for r, network in enumerate(networks):
        for part, weight in network.parts().items():
            torch.testing.assert_close(module.weights[part][r], weight, rtol=BOUND, atol=BOUND)
            assert (weight != first.weights[part][r]).any()


def torchs(rule: Sgd | Adam | AdamW, network: nn.Module, rate: float, decay: float) -> torch.optim.Optimizer:
    if isinstance(rule, Sgd):
        return torch.optim.SGD(network.parameters(), lr=rate, momentum=rule.momentum, nesterov=rule.nesterov, weight_decay=decay)
    kind = torch.optim.AdamW if isinstance(rule, AdamW) else torch.optim.Adam
    return kind(network.parameters(), lr=rate, betas=(rule.beta1, rule.beta2), eps=rule.epsilon, weight_decay=decay)


@pytest.mark.parametrize(("spec", "image"), VGGS.values(), ids=VGGS.keys())
def test_statistics_of_a_batch_are_kept_and_used(spec, image):
    """After three steps in training, networks at work normalise as torch's do alone."""
    module = packed(spec, image)
    networks = [plain(spec, image, replica(module, r)) for r in range(R)]
    pixels, _ = images(image, 4 * B, torch.float64)
    for part in pixels[: 3 * B].split(B):
        module(part)
        for network in networks:
            network(part)
    module.eval()
    logits = module(pixels[3 * B :])
    for r, network in enumerate(networks):
        torch.testing.assert_close(logits[r], network.eval()(pixels[3 * B :]), rtol=BOUND, atol=BOUND)
